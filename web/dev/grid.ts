/**
 * The watch page with made-up cameras, for pictures and measures without sixteen browsers. Only in development and in
 * `vite build --mode e2e`, never in dist/. Address: /dev/grid.html?n=5&ratio=16:9&states=live,frozen,gone&role=watch&muted=1&names=A,B
 */
import { mount } from 'svelte';
import '../src/app.css';
import type { Session as Access } from '../src/api';
import type { Desk } from '../src/dogcam/desk.svelte';
import { FakeDesk } from './fake.svelte';
import Watch from '../src/dogcam/Watch.svelte';
import CameraLive from '../src/dogcam/CameraLive.svelte';

const query = new URLSearchParams(location.search);
const access: Access = {
  rights: ['camera', 'watch', 'owner'],
  label: 'Owner',
  ends: null,
  room: null,
  default_room: 'Dog Cam',
  open: false,
  phone_url: null,
  addresses: [],
};

const desk = new FakeDesk(access, query);
Object.assign(window, { desk });
const target = document.getElementById('app')!;
const props = { desk: desk as unknown as Desk, onrename: () => {} };
if (query.get('role') === 'camera') mount(CameraLive, { target, props: { ...props, onstop: () => {} } });
else mount(Watch, { target, props: { ...props, camera: query.get('camera') ?? '', onleave: () => {} } });
