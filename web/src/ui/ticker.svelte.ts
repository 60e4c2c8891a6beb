/** The time on the pages, ms since 1970, a new value each second; for clocks such as "Gone 0:40". */
class Ticker {
  now = $state(Date.now());

  constructor() {
    setInterval(() => (this.now = Date.now()), 1_000);
  }
}

export const ticker = new Ticker();
