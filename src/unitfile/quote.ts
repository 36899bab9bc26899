/** Longest piece of a user's text that a message repeats: messages are read on one screen. */
const quotedLengthMax = 80;

/** A user's text as it appears in messages: in quotes, control characters visible, cut when long. */
export function quote(text: string): string {
  const cut = text.length > quotedLengthMax ? `${text.slice(0, quotedLengthMax)}…` : text;
  return JSON.stringify(cut);
}
