import type { Page } from 'playwright-core';
import { DESKTOP, signIn, visit, WEB_URL, type Look, type RoleName } from './browser';

const enDesktop: Look = { language: 'en', theme: 'light', size: DESKTOP };

/** Calls the API as somebody does who has signed in by the client. */
export async function callAs(role: RoleName) {
  const { page } = await visit(enDesktop);
  const token = page
    .waitForRequest((request) => request.url().endsWith('/v1/users/me'))
    .then((request) => request.headers().authorization ?? '');
  await signIn(page, role, enDesktop);
  const headers = { authorization: await token };

  return {
    page,
    post: (path: string, data: object) => page.request.post(WEB_URL + path, { headers, data }),
    get: (path: string) => page.request.get(WEB_URL + path, { headers }),
    leave: () => page.context().close(),
  };
}

/** A consultation of the patient whose assessment is there; answers its id. */
export async function newConsultation(symptoms: string): Promise<string> {
  const patient = await callAs('patient');
  const created = await patient.post('/v1/consultations', { symptoms, locale: 'en' });
  const { id } = (await created.json()) as { id: string };

  await waitFor(async () => {
    const answer = await patient.get(`/v1/consultations/${id}?wait=20`);
    return ((await answer.json()) as { status: string }).status === 'completed';
  });
  await patient.leave();
  return id;
}

async function waitFor(isThere: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < 10; look++) if (await isThere()) return;
  throw new Error('what was waited for has not come');
}

/** The rows of a list on the page, by their addresses. */
export async function rowsOf(page: Page): Promise<string[]> {
  const links = page.locator('.list-link');
  return links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''));
}
