/** A thousand people, the most that an import takes, are some 300 KB. */
const MOST_BYTES = 4 * 1024 * 1024;

/** The text of a CSV file, or why it has none. */
export type CsvFile = { text: string } | { fault: 'large' | 'binary' };

/** Reads a CSV in UTF-8, or as Excel saves it in Chinese: in GBK. */
export async function readCsvFile(file: Blob): Promise<CsvFile> {
  if (file.size > MOST_BYTES) return { fault: 'large' };
  const bytes = await file.arrayBuffer();

  const text = decode(bytes, 'utf-8') ?? decode(bytes, 'gb18030');
  // No text has such a character; a workbook of Excel, an image or UTF-16 has.
  if (text === undefined || text.includes('\0')) return { fault: 'binary' };
  return { text };
}

function decode(bytes: ArrayBuffer, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
