import { sharedFields, shown } from './fields.ts';
import { Body, Framing } from './framing.ts';
import { headEnd } from './head-end.ts';
import { minorVersion } from './http-version.ts';
import { CR, isValueOctet, LF, SP } from './octets.ts';
import { Refusal } from './refusal.ts';

/** The head of a response (RFC 9112 4), as positions in the bytes it was parsed from. One object per connection, {@link fields} as in RequestHead. */
export class ResponseHead {
  readonly fields = sharedFields;
  readonly framing = new Framing();
  start = 0;
  minor = 1;
  status = 0;
  /** Where the status code begins, behind version and space. */
  statusStart = 0;
  /**
   * The fields tell where the answer ends (RFC 9112 9.3), and nothing else says otherwise: not its status or the method of the request, which a broken program may not know, that
   * sends the body that it speaks of all the same, at any later time; nor the end of the connection.
   */
  selfDefined = false;
  /** `Transfer-Encoding: chunked`, whether there is a body or not. */
  chunked = false;
  /** Behind the head. */
  end = 0;

  /**
   * @param searched how many bytes from `start` were looked at by an earlier call
   * @param ofHead the request was HEAD: there is no body, whatever the fields say
   * @returns whether the head was complete
   * @throws Refusal 502
   */
  parse(bytes: Buffer, start: number, searched: number, ofHead: boolean): boolean {
    try {
      return this.#parse(bytes, start, searched, ofHead);
    } catch (error) {
      if (error instanceof Refusal) throw new Refusal(502, error.message);
      throw error;
    }
  }

  #parse(bytes: Buffer, start: number, searched: number, ofHead: boolean): boolean {
    if (bytes.length > start && bytes[start] !== 0x48) throw new Refusal(502, `Expected HTTP/1.1, got ${shown(bytes[start])}`);
    const end = headEnd(bytes, start, searched);
    if (end === -1) return false;
    this.start = start;
    this.end = end + 2;
    this.fields.scan(bytes, this.#statusLine(bytes, start), end);
    this.framing.read(bytes, this.fields, true);
    this.#body(ofHead);
    return true;
  }

  #statusLine(bytes: Buffer, start: number): number {
    const minor = minorVersion(bytes, start);
    if (minor === -1 || bytes[start + 8] !== SP) throw new Refusal(502, 'Expected HTTP/1.1 or HTTP/1.0 and a space');
    this.minor = minor;
    this.statusStart = start + 9;
    let at = this.statusStart;
    let status = 0;
    for (; at < this.statusStart + 3; at++) {
      const digit = (bytes[at] as number) - 0x30;
      if (digit < 0 || digit > 9) throw new Refusal(502, `Expected a status of three digits, got ${shown(bytes[at])}`);
      status = status * 10 + digit;
    }
    if (status < 100 || (bytes[at] !== SP && bytes[at] !== CR)) throw new Refusal(502, 'Expected a status of three digits from 100');
    this.status = status;
    while (isValueOctet(bytes[at] as number)) at++;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) throw new Refusal(502, `Expected the status line to end with CR LF, got ${shown(bytes[at])}`);
    return at + 2;
  }

  /** RFC 9112 6.3. */
  #body(ofHead: boolean): void {
    const { framing, status } = this;
    if (this.minor === 0) {
      // Who knows none reads it as the answer (RFC 9110 15.2).
      if (status < 200) throw new Refusal(502, 'Expected no 1xx in HTTP/1.0');
      if (framing.body === Body.chunked) throw new Refusal(502, 'Expected no Transfer-Encoding in HTTP/1.0');
      if (!framing.keepAlive) framing.close = true;
    }
    this.chunked = framing.body === Body.chunked;
    const bodiless = ofHead || status < 200 || status === 204 || status === 304;
    const spokenOf = framing.body !== Body.none && !(framing.body === Body.length && framing.length === 0);
    this.selfDefined = bodiless ? !spokenOf : framing.body !== Body.none;
    if (bodiless) framing.body = Body.none;
    else if (framing.body === Body.none) framing.body = Body.untilClose;
  }
}
