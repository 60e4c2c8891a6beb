// The vendor's library for Node, unmodified but for one line. Prints one line of JSON per case: its name and what went wrong, if anything.
import assert from 'node:assert/strict';
import twilio from 'twilio';

const { KENNEL_URL, ACCOUNT, KEY, SECRET, AUTH_TOKEN, ROOM, CALLS } = process.env;
const connected = (user, password) => {
  const client = twilio(user, password, { accountSid: ACCOUNT });
  client.video.baseUrl = KENNEL_URL;
  return client.video.v1;
};
const video = connected(KEY, SECRET);

async function refused(status, code, call) {
  const error = await call().then(() => assert.fail('it was accepted'), (error) => error);
  assert.deepEqual([error.constructor.name, error.status, error.code], ['RestException', status, code], String(error));
  return error;
}

const cases = {
  async create_fetch_and_complete() {
    const asked = {
      uniqueName: 'Dög Cam für Node', type: 'group', maxParticipants: 7, videoCodecs: ['H264', 'VP8'], emptyRoomTimeout: 3,
      unusedRoomTimeout: 4, maxParticipantDuration: 700, audioOnly: false, largeRoom: false, enableTurn: true, mediaRegion: 'ie1',
      recordParticipantsOnConnect: true, statusCallback: 'http://127.0.0.1:9/a?b=c', statusCallbackMethod: 'GET',
    };
    const room = await video.rooms.create({ ...asked, recordingRules: [{ type: 'include', all: true }] });
    for (const [name, value] of Object.entries(asked)) assert.deepEqual(room[name], value, name);
    assert.ok(room.dateCreated instanceof Date && Math.abs(room.dateCreated - Date.now()) < 60_000);
    assert.deepEqual([room.status, room.duration, room.endTime], ['in-progress', null, null]);
    const again = await video.rooms('Dög Cam für Node').fetch();
    assert.deepEqual([again.sid, again.links], [room.sid, room.links]);
    await refused(400, 53113, () => video.rooms.create({ uniqueName: 'Dög Cam für Node' }));
    const done = await video.rooms(room.sid).update({ status: 'completed' });
    assert.ok(done.status === 'completed' && done.endTime instanceof Date && typeof done.duration === 'number');
    await refused(400, 53112, () => video.rooms(room.sid).update({ status: 'completed' }));
    await refused(404, 20404, () => video.rooms('Dög Cam für Node').fetch());
  },
  async refusals() {
    for (const [code, asked] of [
      [53101, { uniqueName: 'x'.repeat(129) }], [53107, { maxParticipants: 500 }], [53108, { type: 'giant' }], [53109, { emptyRoomTimeout: 61 }],
      [53110, { statusCallback: 'http://a.example', statusCallbackMethod: 'PUT' }], [53111, { statusCallback: 'x' }],
      [53114, { type: 'go', recordParticipantsOnConnect: true }], [53115, { type: 'group', mediaRegion: 'mars1' }],
      [53123, { maxParticipantDuration: 1 }], [53124, { type: 'go', audioOnly: true }],
    ]) {
      await refused(400, code, () => video.rooms.create(asked));
    }
    await refused(401, 20003, () => connected(KEY, 'wrong').rooms.list());
    assert.ok(Array.isArray(await connected(ACCOUNT, AUTH_TOKEN).rooms.list({ limit: 1 })));
  },
  async pages() {
    const made = [];
    for (let n = 0; n < 7; n++) {
      const room = await video.rooms.create({ uniqueName: 'node pages', type: 'go' });
      await video.rooms(room.sid).update({ status: 'completed' });
      made.unshift(room.sid);
    }
    const filter = { uniqueName: 'node pages', status: 'completed', dateCreatedAfter: new Date(Date.now() - 86_400_000) };
    assert.deepEqual((await video.rooms.list({ ...filter, pageSize: 2 })).map((room) => room.sid), made);
    const first = await video.rooms.page({ ...filter, pageSize: 3 });
    const second = await first.nextPage();
    assert.deepEqual(second.instances.map((room) => room.sid), made.slice(3, 6));
    assert.deepEqual((await second.previousPage()).instances.map((room) => room.sid), made.slice(0, 3));
    const seen = [];
    await new Promise((done, fail) => video.rooms.each({ ...filter, pageSize: 2, callback: (room) => seen.push(room.sid), done: (e) => (e ? fail(e) : done()) }));
    assert.deepEqual(seen, made);
  },
  async participants_and_tracks() {
    const people = video.rooms(ROOM).participants;
    assert.deepEqual((await people.list()).map((one) => one.identity), ['Bob', 'Ann']);
    const ann = await people('Ann').fetch();
    assert.ok(ann.status === 'connected' && ann.startTime instanceof Date && ann.endTime === null && ann.duration === null);
    const published = await people('Ann').publishedTracks.list();
    assert.deepEqual(published.map((track) => track.kind).sort(), ['audio', 'video']);
    assert.equal((await people('Ann').publishedTracks('cam').fetch()).name, 'cam');
    const received = await people('Bob').subscribedTracks.list();
    assert.deepEqual(received.map((track) => track.publisherSid), [ann.sid, ann.sid]);
    const rules = await people('Bob').subscribeRules.update({ rules: [{ type: 'include', kind: 'audio' }] });
    assert.equal(rules.rules[0].kind, 'audio');
    assert.deepEqual((await people('Bob').subscribeRules.fetch()).rules, rules.rules);
    await refused(400, 53215, () => people('Bob').subscribeRules.update({ rules: [{ type: 'include' }] }));
    await refused(400, 53209, () => people('Bob').update({ status: 'connected' }));
    const gone = await people('Bob').update({ status: 'disconnected' });
    assert.ok(gone.status === 'disconnected' && gone.endTime instanceof Date);
    assert.equal((await people(gone.sid).anonymize().update()).identity, gone.sid);
  },
  async what_has_no_files_yet() {
    assert.deepEqual(await video.recordings.list({ groupingSid: [ROOM], mediaType: 'video' }), []);
    assert.deepEqual(await video.rooms(ROOM).recordings.list(), []);
    assert.deepEqual(await video.rooms(ROOM).transcriptions.list(), []);
    assert.deepEqual(await video.compositions.list({ roomSid: ROOM }), []);
    assert.deepEqual(await video.compositionHooks.list({ enabled: true }), []);
    assert.equal((await video.rooms(ROOM).recordingRules.update({ rules: [{ type: 'include', all: true }] })).rules.length, 1);
    assert.equal((await video.recordingSettings().create({ friendlyName: 'Ours' })).friendlyName, 'Ours');
    assert.equal((await video.compositionSettings().fetch()).awsStorageEnabled, false);
    await refused(404, 20404, () => video.compositions('CJ' + '0'.repeat(32)).remove());
    await refused(404, 20404, () => video.recordings('RT' + '0'.repeat(32)).fetch());
    await refused(400, 20001, () => video.compositions.create({ roomSid: ROOM, audioSources: ['a*b'] }));
  },
  async signatures() {
    const calls = JSON.parse(CALLS);
    assert.ok(calls.length >= 8);
    for (const { url, posted, signature } of calls) {
      assert.ok(twilio.validateRequest(AUTH_TOKEN, signature, url, posted), url);
      assert.ok(!twilio.validateRequest('another', signature, url, posted), url);
    }
  },
};

if (process.argv[2] === '--list') console.log(JSON.stringify(Object.keys(cases)));
else {
  for (const [name, run] of Object.entries(cases)) {
    const wrong = await run().then(() => null, (error) => String(error.stack));
    console.log(JSON.stringify({ name, wrong }));
  }
}
