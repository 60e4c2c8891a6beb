declare module 'twilio-video/dist/twilio-video.min.js';
