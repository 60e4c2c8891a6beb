/** What the address of the page says behind its question mark: a day, a room and a recording can be bookmarked. */
export function searchOf(shown: { room: string; day: string; take: string }): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(shown)) if (value) query.set(name, value);
  // Its size would say the same, but not in browsers of before 2023.
  const text = query.toString();
  return text && `?${text}`;
}
