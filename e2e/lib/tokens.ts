import { createHmac } from 'node:crypto';

/** Fixed credentials, given to every server by its environment: tests sign tokens of their own with them. */
export const credentials = {
  TWILIO_ACCOUNT_SID: 'AC0123456789abcdef0123456789abcdef',
  TWILIO_API_KEY_SID: 'SK00112233445566778899aabbccddeeff',
  TWILIO_API_KEY_SECRET: 'e2e-secret-of-thirty-two-letters',
  TWILIO_AUTH_TOKEN: 'e2e-auth-token-of-32-characters-',
  SIGNALWIRE_PROJECT_KEY: '11112222-3333-4444-8555-666677778888',
  SIGNALWIRE_TOKEN: 'PTe2e0123456789abcdef0123456789abcdef0123456789abc',
};

export interface TokenParts {
  header?: Record<string, unknown>;
  payload?: Record<string, unknown>;
  secret?: string;
  algorithm?: 'HS256' | 'HS384' | 'HS512';
}

/** An access token as the vendor's helper library writes it; `parts` overrides any field, `undefined` removes it. */
export function token(identity: string | undefined, room: string | undefined, parts: TokenParts = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const algorithm = parts.algorithm ?? 'HS256';
  const header = { typ: 'JWT', cty: 'twilio-fpa;v=1', alg: algorithm, ...parts.header };
  const payload = {
    jti: `${credentials.TWILIO_API_KEY_SID}-${now}`,
    iss: credentials.TWILIO_API_KEY_SID,
    sub: credentials.TWILIO_ACCOUNT_SID,
    iat: now,
    exp: now + 3600,
    grants: { identity, video: { room } },
    ...parts.payload,
  };
  const text = `${base64(header)}.${base64(payload)}`;
  const hash = algorithm.replace('HS', 'sha');
  return `${text}.${createHmac(hash, parts.secret ?? credentials.TWILIO_API_KEY_SECRET).update(text).digest('base64url')}`;
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
