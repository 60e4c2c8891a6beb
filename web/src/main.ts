import { mount, type Component } from 'svelte';
import './app.css';
import './fallback.css';
import Gate from './Gate.svelte';
import Missing from './Missing.svelte';
import type { Session } from './api';
import { store } from './store';
import { showTheme } from './ui/theme';

type Load = () => Promise<{ default: Component<{ session: Session }> }>;

const room: Load = () => import('./room/Room.svelte');

/** Path to page; each page is its own chunk. */
const PAGES: Record<string, Load> = {
  '/': () => import('./home/Home.svelte'),
  '/dogcam': () => import('./dogcam/DogCam.svelte'),
  '/room': room,
  '/guest': room,
  '/recordings': () => import('./recordings/Recordings.svelte'),
  '/links': () => import('./links/Links.svelte'),
};

showTheme(store.get('theme'));

const path = location.pathname.replace(/(.)\/+$/, '$1');
const load = PAGES[path];
const target = document.getElementById('app')!;
// Away with the words for browsers that cannot run this.
target.textContent = '';
if (load) mount(Gate, { target, props: { load } });
else mount(Missing, { target });
