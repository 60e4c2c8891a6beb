/** A sentence of the text file cut at its stars: every second part is shown strong. */
export interface Part {
  text: string;
  strong: boolean;
}

/** Names in a sentence hold no stars: host names cannot. An odd star at the end marks nothing. */
export function parts(sentence: string): Part[] {
  const cut = sentence.split('*');
  return cut
    .map((text, index) => ({ text, strong: index % 2 === 1 && index < cut.length - 1 }))
    .filter((part) => part.text !== '');
}
