// keys.mjs
//		The secrets of a run, and the providers' webhook signatures made with them.
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

// The last 32 bytes of the DER form are the key that Telnyx shows in its portal.
const rawPublicKey = (key) => key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');

// bearer: the API key per provider.
export function createKeys(bearer) {
  const pair = generateKeyPairSync('ed25519');
  const stranger = generateKeyPairSync('ed25519');
  const svix = randomBytes(24);

  // The headers that sign `body` at `milliseconds`; wrongKey signs as nobody known.
  const signers = {
    telnyx({ body, milliseconds, wrongKey }) {
      const timestamp = String(Math.floor(milliseconds / 1000));
      const key = wrongKey ? stranger.privateKey : pair.privateKey;
      const signature = sign(null, Buffer.concat([Buffer.from(`${timestamp}|`), body]), key);
      return { 'telnyx-timestamp': timestamp, 'telnyx-signature-ed25519': signature.toString('base64') };
    },
    resend({ body, milliseconds, wrongKey, id }) {
      const timestamp = String(Math.floor(milliseconds / 1000));
      const hmac = createHmac('sha256', wrongKey ? randomBytes(24) : svix).update(`${id}.${timestamp}.`).update(body);
      return { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': `v1,${hmac.digest('base64')}` };
    },
    retell({ body, milliseconds, wrongKey }) {
      const hmac = createHmac('sha256', wrongKey ? 'key_of_nobody' : bearer.retell).update(body).update(String(milliseconds));
      return { 'x-retell-signature': `v=${milliseconds},d=${hmac.digest('hex')}` };
    },
  };
  const verifiedWith = {
    telnyx: { public_key: rawPublicKey(pair.publicKey) },
    resend: { webhook_secret: `whsec_${svix.toString('base64')}` },
    retell: {},
  };
  return {
    accepts: (provider, authorization) => authorization === `Bearer ${bearer[provider]}`,
    published: (provider) => ({ key: bearer[provider], ...verifiedWith[provider] }),
    signatureOf: (provider, input) => signers[provider](input),
  };
}
