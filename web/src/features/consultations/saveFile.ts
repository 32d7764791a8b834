/** How long a browser may take to begin with what it saves. */
const KEPT_MS = 60_000;

/** Lets the browser save a JSON document. */
export function saveFile(name: string, content: unknown): void {
  const blob = new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' });
  const url = URL.createObjectURL(blob);

  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Safari reads it behind the click, and finds nothing if it is gone by then.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, KEPT_MS);
}
