// A stand-in for the original dog cam: asks its own back end for a token, connects without naming a room, mutes others by texts on
// its data track, toggles rather than sets, and throws on a text it does not know.
const { connect, createLocalTracks, LocalDataTrack } = Twilio.Video;
const app = (window.app = { room: undefined, audio: undefined, data: undefined, muted: {}, problems: [] });
window.addEventListener('error', (event) => app.problems.push(String(event.error ?? event.message)));
window.addEventListener('unhandledrejection', (event) => app.problems.push(String(event.reason)));

const status = (text) => (document.getElementById('status').textContent = text);

document.getElementById('join').addEventListener('submit', (event) => {
  event.preventDefault();
  enter(document.getElementById('camera-name').value).catch((error) => status(`failed ${error.code ?? error.message}`));
});

async function enter(camera_name) {
  const answer = await fetch('/login', { method: 'POST', body: JSON.stringify({ camera_name }) });
  if (answer.status === 401) return status('needs a name');
  const { token } = await answer.json();
  const tracks = await createLocalTracks({ audio: true, video: { width: 320, height: 240, frameRate: 15 } });
  app.audio = tracks.find((track) => track.kind === 'audio');
  app.data = new LocalDataTrack();
  app.room = await connect(token, { tracks: [...tracks, app.data] });
  app.muted[app.room.localParticipant.sid] = false;
  app.room.participants.forEach(meet);
  app.room.on('participantConnected', meet);
  app.room.on('participantDisconnected', (participant) => document.getElementById(participant.sid)?.remove());
  app.room.on('disconnected', () => status('left'));
  status(`in ${app.room.name}`);
}

function meet(participant) {
  const tile = document.createElement('div');
  tile.id = participant.sid;
  tile.className = 'their-tile';
  tile.dataset.name = participant.identity;
  const mute = document.createElement('button');
  mute.textContent = 'mute';
  mute.onclick = () => app.data.send(`${app.muted[participant.sid] ? 'unmute' : 'mute'} ${participant.sid}`);
  tile.append(participant.identity, mute);
  document.getElementById('stage').append(tile);
  app.muted[participant.sid] = false;
  participant.on('trackSubscribed', (track) => subscribed(track, participant));
}

function subscribed(track, participant) {
  if (track.kind === 'video') senses.watch(participant.identity, track.mediaStreamTrack);
  if (track.kind === 'audio') senses.hear(participant.identity, track.mediaStreamTrack);
  if (track.kind === 'data') {
    track.on('message', heard);
    app.data.send('sendState');
  }
}

function heard(text) {
  const own = app.room.localParticipant.sid;
  const [word, sid] = text.split(' ');
  if (word === 'sendState') {
    if (app.muted[own]) app.data.send(`mute ${own}`);
  } else if (word === 'mute' || word === 'unmute') {
    if (sid === own) toggle();
    else app.muted[sid] = word === 'mute';
  } else {
    throw new Error(`what is ${text}?`);
  }
}

function toggle() {
  const own = app.room.localParticipant.sid;
  app.muted[own] = !app.muted[own];
  if (app.muted[own]) app.audio.disable();
  else app.audio.enable();
  app.data.send(`${app.muted[own] ? 'mute' : 'unmute'} ${own}`);
}

document.getElementById('leave').onclick = () => app.room.disconnect();
