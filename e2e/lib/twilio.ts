import type { Kennel } from './kennel.ts';
import { credentials } from './tokens.ts';

/** Calls Twilio's REST API of this server as its owner does: parameters go as a form. */
export async function twilio(kennel: Kennel, method: string, path: string, form?: Record<string, string>): Promise<{ status: number; body: any }> {
  const basic = Buffer.from(`${credentials.TWILIO_API_KEY_SID}:${credentials.TWILIO_API_KEY_SECRET}`).toString('base64');
  const answer = await fetch(`${kennel.url}/v1/${path}`, {
    method,
    headers: { authorization: `Basic ${basic}` },
    body: form && new URLSearchParams(form),
    redirect: 'manual',
  });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null };
}
