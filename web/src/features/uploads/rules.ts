import { config } from '../../app/config';

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
const GIB = 1024 * MIB;

/** Pictures have a bound of their own. */
const MOST_OF_IMAGE = 30 * MIB;

/** The most bytes of another file, as the deployment has it (`UploadMaxBytes`). */
function mostBytes(): number {
  return config().uploadMaxBytes ?? 100 * MIB;
}

/** The same for people to read. */
export function mostInWords(): string {
  const most = mostBytes();
  return most >= GIB ? `${Math.floor((most / GIB) * 10) / 10} GB` : `${Math.floor(most / MIB)} MB`;
}

/** A browser knows no type of a DICOM file: its name tells. */
export function typeOf(file: { name: string; type: string }): string {
  if (file.type === '' && file.name.toLowerCase().endsWith('.dcm')) return 'application/dicom';
  return file.type;
}

/** Why a file need not be sent at all; nothing if it may be. */
export function faultOf(file: File): 'upload.type' | 'upload.large' | undefined {
  const type = typeOf(file);
  if (!TYPES.includes(type)) return 'upload.type';

  const most = mostBytes();
  return file.size > (type.startsWith('image/') ? Math.min(most, MOST_OF_IMAGE) : most)
    ? 'upload.large'
    : undefined;
}
