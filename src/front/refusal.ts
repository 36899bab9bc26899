/**
 * A message that is not passed on. For a request it is answered with `status` and the connection closed, since nobody
 * can say where the next one begins; for a response `status` is 502.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;

  /** @param message what was expected and what was found, fit to be shown to the client */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
