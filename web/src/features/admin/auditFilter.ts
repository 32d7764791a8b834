import { FILTERS, type AuditFilter } from './auditApi';

/** The filter of the page's address, so that a link leads to it and "back" to the one before. */
export function readFilter(address: URLSearchParams): AuditFilter {
  const given = FILTERS.map((name) => [name, address.get(name)?.trim()] as const);
  return Object.fromEntries(given.filter(([, value]) => value));
}

/** The address of the trail with this filter. */
export function trailOf(filter: AuditFilter): string {
  const chosen = Object.entries(filter).filter(([, value]) => value.trim() !== '');
  const query = new URLSearchParams(chosen).toString();
  return query ? `/audit?${query}` : '/audit';
}
