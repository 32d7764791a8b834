import type { Locale } from '../api/types';
import { config } from '../app/config';

/** The numbers to call in an emergency, as the deployment has them for a language. */
export function emergencyNumbers(language: Locale): string[] {
  return config().emergencyNumbers[language];
}

export function firstNumber(language: Locale): string {
  return emergencyNumbers(language)[0] ?? '';
}
