/** What the API takes (`docs/uploads.md`); the API itself verifies each file by its bytes. */
export const MOST_FILES = 5;

export const TYPES = [
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
  'application/pdf',
  'text/plain',
  'application/dicom',
];

const MIB = 1024 * 1024;

/** A browser knows no type of a DICOM file: its name tells. */
export function typeOf(file: { name: string; type: string }): string {
  if (file.type === '' && file.name.toLowerCase().endsWith('.dcm')) return 'application/dicom';
  return file.type;
}

/** Why a file need not be sent at all; nothing if it may be. */
export function faultOf(file: File): 'upload.type' | 'upload.large' | undefined {
  const type = typeOf(file);
  if (!TYPES.includes(type)) return 'upload.type';

  const most = type.startsWith('image/') ? 30 * MIB : 100 * MIB;
  return file.size > most ? 'upload.large' : undefined;
}
