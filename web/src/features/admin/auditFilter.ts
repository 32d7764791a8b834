import { FILTERS, type AuditFilter } from './auditApi';

/** The filter of the page's address, so that a link leads to it and "back" to the one before. */
export function readFilter(address: URLSearchParams): AuditFilter {
  const given = FILTERS.map((name) => [name, address.get(name)?.trim()] as const);
  return Object.fromEntries(given.filter(([, value]) => value));
}

/** What a form holds: a field that nobody has touched has no value. */
type Fields = { [name in keyof AuditFilter]: string | undefined };

/** The address of the trail with this filter. */
export function trailOf(fields: Fields): string {
  const address = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value?.trim()) address.set(name, value.trim());
  }
  return address.size > 0 ? `/audit?${address}` : '/audit';
}
