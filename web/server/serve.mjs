/**
 * Serves the built client, and behind the same address the API: what a CDN does in production, and
 * `cargo xtask web` on a developer's machine. It listens on the loopback interface alone.
 *
 *   PORT=8088 API_URL=http://… AWS_URL=http://… CONFIG=config.json node server/serve.mjs
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, request as call } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';

const { PORT = '8088', API_URL, AWS_URL, CONFIG } = process.env;
if (!API_URL || !AWS_URL || !CONFIG) {
  console.error('API_URL, AWS_URL and CONFIG must be set; `cargo xtask web` does so');
  process.exit(1);
}

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

// No inline script runs. Ant Design makes its styles in the page, so those may be inline. The local
// stack's object storage and WebSocket have ports of their own.
const SECURITY = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self'",
    "connect-src 'self' http://127.0.0.1:* ws://127.0.0.1:*",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');

  if (pathname.startsWith('/v1/') || pathname === '/health') {
    forward(request, response, API_URL + request.url);
  } else if (pathname.startsWith('/cognito')) {
    forward(request, response, AWS_URL + '/');
  } else if (pathname === '/config.json') {
    void sendFile(request, response, CONFIG, 'no-cache');
  } else {
    void sendClient(request, response, pathname);
  }
});

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

/** Passes a call on as it is, and its answer back. */
function forward(request, response, url) {
  const target = new URL(url);
  const headers = { ...request.headers, host: target.host };

  const forwarded = call(target, { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  forwarded.on('error', () => {
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
  response.on('close', () => forwarded.destroy());
  request.pipe(forwarded);
}

/** A file of the build; every other address is one of the client's own pages. */
async function sendClient(request, response, pathname) {
  const file = join(dist, normalize(pathname));
  const isFile = file.startsWith(dist) && (await stat(file).catch(() => null))?.isFile();
  if (!isFile && extname(pathname) !== '') {
    response.writeHead(404).end();
    return;
  }

  const isHashed = pathname.startsWith('/assets/');
  const keep = isHashed ? 'public, max-age=31536000, immutable' : 'no-cache';
  await sendFile(request, response, isFile ? file : join(dist, 'index.html'), keep);
}

async function sendFile(request, response, file, keep) {
  const found = await stat(file).catch(() => null);
  if (!found) {
    response.writeHead(404).end();
    return;
  }

  const head = {
    ...SECURITY,
    'cache-control': keep,
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    vary: 'accept-encoding',
  };
  // As a CDN does, so that what is measured here is what people wait for.
  if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    response.writeHead(200, { ...head, 'content-encoding': 'gzip' });
    createReadStream(file).pipe(createGzip()).pipe(response);
  } else {
    response.writeHead(200, { ...head, 'content-length': found.size });
    createReadStream(file).pipe(response);
  }
}
