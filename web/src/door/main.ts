import { mount } from 'svelte';
import '../app.css';
import '../fallback.css';
import Door from './Door.svelte';

const target = document.getElementById('app')!;
// Away with the words for browsers that cannot run this.
target.textContent = '';
mount(Door, { target });
