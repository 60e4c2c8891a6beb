// Sends what an app asks of https://video.twilio.com to Kennel instead; the app and its library stay as they are.
// Save it as kennel.cjs, then: NODE_OPTIONS="--require /path/to/kennel.cjs" KENNEL_TWILIO_URL=https://your-kennel node app.js
'use strict';
const Module = require('node:module');

const vendor = 'https://video.twilio.com/';
const kennel = (process.env.KENNEL_TWILIO_URL ?? '').replace(/\/+$/, '') + '/';
const load = Module._load;
const changed = new WeakSet();

function change(Domain) {
  if (typeof Domain?.prototype?.absoluteUrl !== 'function' || changed.has(Domain)) return;
  changed.add(Domain);
  const absoluteUrl = Domain.prototype.absoluteUrl;
  Domain.prototype.absoluteUrl = function (uri) {
    const url = absoluteUrl.call(this, uri);
    return url.startsWith(vendor) ? kennel + url.slice(vendor.length) : url;
  };
}

if (process.env.KENNEL_TWILIO_URL) {
  Module._load = function (request, ...rest) {
    const loaded = load.call(this, request, ...rest);
    if (/[\\/]base[\\/]Domain(\.js)?$/.test(request)) change(loaded?.default ?? loaded);
    return loaded;
  };
}
