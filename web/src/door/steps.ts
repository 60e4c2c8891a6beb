/** The steps of the door page, per system: which sentence, which drawings, which button. */
import type { System } from './system';

/** One drawing; `StepPicture.svelte` holds them. */
export type Picture =
  | 'advanced'
  | 'proceed'
  | 'firefox-advanced'
  | 'firefox-accept'
  | 'allow'
  | 'profile'
  | 'install'
  | 'trust'
  | 'keychain-open'
  | 'keychain-trust';

/** The sentences, by their names in the text file. */
export type Sentence =
  | 'tapContinue'
  | 'clickContinue'
  | 'passChromeWarning'
  | 'passDesktopWarning'
  | 'passFirefoxWarning'
  | 'downloadProfile'
  | 'installProfile'
  | 'trustProfile'
  | 'downloadForMac'
  | 'openInKeychain'
  | 'trustInKeychain';

export interface Step {
  sentence: Sentence;
  pictures: readonly Picture[];
  /** The button that belongs into this step. */
  button?: 'continue' | 'download';
}

const CONTINUE_BY_TAP: Step = { sentence: 'tapContinue', pictures: [], button: 'continue' };
const CONTINUE_BY_CLICK: Step = { sentence: 'clickContinue', pictures: [], button: 'continue' };

const IOS: readonly Step[] = [
  { sentence: 'downloadProfile', pictures: ['allow'], button: 'download' },
  { sentence: 'installProfile', pictures: ['profile', 'install'] },
  { sentence: 'trustProfile', pictures: ['trust'] },
];

const STEPS: Record<System, readonly Step[]> = {
  iphone: IOS,
  ipad: IOS,
  android: [CONTINUE_BY_TAP, { sentence: 'passChromeWarning', pictures: ['advanced', 'proceed'] }],
  firefox: [CONTINUE_BY_CLICK, { sentence: 'passFirefoxWarning', pictures: ['firefox-advanced', 'firefox-accept'] }],
  desktop: [CONTINUE_BY_CLICK, { sentence: 'passDesktopWarning', pictures: ['advanced', 'proceed'] }],
  'mac-safari': [
    { sentence: 'downloadForMac', pictures: [], button: 'download' },
    { sentence: 'openInKeychain', pictures: ['keychain-open'] },
    { sentence: 'trustInKeychain', pictures: ['keychain-trust'] },
  ],
};

export function stepsFor(system: System): readonly Step[] {
  return STEPS[system];
}
