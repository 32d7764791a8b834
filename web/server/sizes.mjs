/**
 * Prints what the first load of each page takes, gzipped: the entry and its styles, the page's own
 * chunk, and all that these import. What is loaded later, on demand, is no part of it. One of these
 * is the client of the user pool, which comes when somebody begins to sign in: before every page
 * after a reload. So its size is printed, too, and what a page takes together with the sign-in.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** The most that the first load of a page may take, in bytes. */
const MOST = 250 * 1024;

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

const SIGN_IN = 'src/features/auth/SignInPage.tsx';
const CLIENT = 'src/features/auth/cognito.ts';
for (const name of [SIGN_IN, CLIENT]) {
  if (!manifest[name]) throw new Error(`${name} is no chunk of its own any more`);
}

let isTooLarge = false;
console.log(`${'KB, gzipped'.padEnd(26)}  alone  with the sign-in and its client`);
for (const [name, { isDynamicEntry, src }] of Object.entries(manifest)) {
  if (!isDynamicEntry || !src?.endsWith('Page.tsx')) continue;

  const alone = sizeOf(['index.html', name]);
  const withSignIn = sizeOf(['index.html', SIGN_IN, CLIENT, name]);
  isTooLarge ||= alone > MOST;
  console.log(`${src.split('/').at(-1).padEnd(26)} ${inKb(alone)} ${inKb(withSignIn)}`);
}

// What it adds to the page that it is loaded on.
const client = sizeOf(['index.html', SIGN_IN, CLIENT]) - sizeOf(['index.html', SIGN_IN]);
console.log(`${"the sign-in's client".padEnd(26)} ${inKb(client)}`);

function sizeOf(chunks) {
  return [...filesOf(chunks)].map(gzippedSize).reduce((sum, size) => sum + size, 0);
}

function inKb(bytes) {
  return (bytes / 1024).toFixed(1).padStart(6);
}

if (isTooLarge) {
  console.error(`the first load of a page takes more than ${MOST / 1024} KB`);
  process.exit(1);
}

/** The files of some chunks and of those that they import. */
function filesOf(chunks, seen = new Set(), files = new Set()) {
  for (const chunk of chunks) {
    if (seen.has(chunk)) continue;
    seen.add(chunk);

    const { file, css = [], imports = [] } = manifest[chunk];
    for (const name of [file, ...css]) files.add(name);
    filesOf(imports, seen, files);
  }
  return files;
}

function gzippedSize(file) {
  return gzipSync(readFileSync(new URL(file, dist))).length;
}
