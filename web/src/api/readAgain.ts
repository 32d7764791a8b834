import { api } from './api';
import { noteChange } from './freshRead';

/**
 * Reads again what is shown of a consultation, since it has changed elsewhere. What is being read
 * already is asked for once more: its answer may be from before.
 */
export function readConsultationAgain(id: string) {
  noteChange(`/v1/consultations/${id}`);
  return api.util.invalidateTags([
    { type: 'Consultation', id },
    { type: 'Messages', id },
    'Consultations',
  ]);
}
