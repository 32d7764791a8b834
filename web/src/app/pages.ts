import type { Role } from '../api/types';
import type { TextKey } from '../i18n/texts';

interface MenuPage {
  path: string;
  text: TextKey;
}

const NEW: MenuPage = { path: '/consultations/new', text: 'nav.new' };
const HISTORY: MenuPage = { path: '/consultations', text: 'nav.history' };
const CLINIC: MenuPage = { path: '/clinic', text: 'nav.clinic' };
const KNOWLEDGE: MenuPage = { path: '/knowledge', text: 'nav.knowledge' };
const USERS: MenuPage = { path: '/users', text: 'nav.users' };
const AUDIT: MenuPage = { path: '/audit', text: 'nav.audit' };
const OPERATIONS: MenuPage = { path: '/operations', text: 'nav.operations' };

type Pages = [MenuPage, ...MenuPage[]];

const PAGES: Record<Role, Pages> = {
  patient: [NEW, HISTORY],
  clinician: [CLINIC, KNOWLEDGE],
  admin: [CLINIC, KNOWLEDGE, USERS, AUDIT, OPERATIONS],
};

/** What a role has in its menu, its first page first. The API decides what it may do. */
export function pagesOf(role: Role): Pages {
  return PAGES[role];
}
