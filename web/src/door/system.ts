/**
 * Which device is this visitor on? Decides the steps of the door page and which choice the home page lists first.
 * A guess from the user agent, so every page that uses it also offers the others.
 */

/** The kinds of system whose way through an unknown certificate differs. */
export type System = 'android' | 'iphone' | 'ipad' | 'mac-safari' | 'firefox' | 'desktop';

export const SYSTEMS: readonly System[] = ['iphone', 'ipad', 'android', 'firefox', 'mac-safari', 'desktop'];

/** What a browser says about itself: `navigator.userAgent` and `navigator.maxTouchPoints`. */
export interface Visitor {
  userAgent: string;
  touchPoints: number;
}

/** The visitor of this window. */
export function thisVisitor(): Visitor {
  return { userAgent: navigator.userAgent, touchPoints: navigator.maxTouchPoints || 0 };
}

/** The system whose steps this visitor needs; `desktop` when nothing else is certain. */
export function systemOf({ userAgent, touchPoints }: Visitor): System {
  if (/iPhone|iPod/.test(userAgent)) return 'iphone';
  if (/iPad/.test(userAgent)) return 'ipad';
  // An iPad asks for desktop pages by default and then calls itself a Mac; no Mac has a touch screen.
  if (/Macintosh/.test(userAgent) && touchPoints > 1) return 'ipad';
  if (/Firefox\//.test(userAgent)) return 'firefox';
  if (/Android/.test(userAgent)) return 'android';
  if (isSafari(userAgent)) return 'mac-safari';
  return 'desktop';
}

/** Every Chromium says Safari as well; only Safari itself says no other name. */
function isSafari(userAgent: string): boolean {
  return /Macintosh.*Version\/[\d.]+.*Safari\//.test(userAgent) && !/Chrom(e|ium)\/|Edg\/|OPR\//.test(userAgent);
}

/** Apple's systems trust a certificate only once it is installed; a tapped-away warning does not open sockets there. */
export function needsCertificate(system: System): boolean {
  return system === 'iphone' || system === 'ipad' || system === 'mac-safari';
}

/** On iPhone and iPad only Safari hands a downloaded profile to Settings; other browsers keep it as a file. */
export function mustOpenSafari({ userAgent, touchPoints }: Visitor): boolean {
  const system = systemOf({ userAgent, touchPoints });
  if (system !== 'iphone' && system !== 'ipad') return false;
  return !/Safari\//.test(userAgent) || /CriOS|FxiOS|EdgiOS|OPiOS|OPT\/|DuckDuckGo|GSA\/|Brave/.test(userAgent);
}

/** Phones and tablets: the devices that become cameras. */
export function isHandheld({ userAgent, touchPoints }: Visitor): boolean {
  const system = systemOf({ userAgent, touchPoints });
  return system === 'iphone' || system === 'ipad' || /Android|Mobile/.test(userAgent);
}

/** The word for the device in the door page's sentences. */
export type DeviceWord = 'phone' | 'ipad' | 'computer';

/** Firefox is on phones and on computers, and only the visitor's own device tells which. */
export function deviceWord(system: System, visitor: Visitor): DeviceWord {
  if (system === 'ipad') return 'ipad';
  if (system === 'firefox') return isHandheld(visitor) ? 'phone' : 'computer';
  return system === 'iphone' || system === 'android' ? 'phone' : 'computer';
}
