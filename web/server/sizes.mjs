/**
 * Prints what the first load of each page takes, gzipped: the entry and its styles, the page's own
 * chunk, and all that these import. What is loaded later, on demand, is no part of it.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** The most that a page may take, in bytes. */
const MOST = 250 * 1024;

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

let isTooLarge = false;
for (const [name, { isDynamicEntry, src }] of Object.entries(manifest)) {
  if (!isDynamicEntry || !src?.endsWith('Page.tsx')) continue;

  const files = filesOf(['index.html', name]);
  const bytes = [...files].map(gzippedSize).reduce((sum, size) => sum + size, 0);
  isTooLarge ||= bytes > MOST;
  console.log(`${src.split('/').at(-1).padEnd(26)} ${(bytes / 1024).toFixed(1).padStart(6)} KB`);
}

if (isTooLarge) {
  console.error(`a page takes more than ${MOST / 1024} KB`);
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
