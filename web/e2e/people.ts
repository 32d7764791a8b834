import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { personOf, WEB_URL, type Look, type RoleName } from './browser';
import { tokenOf } from './tenant';

/** Until a document can be found: a model that is busy takes a while for its passages. */
export const INGEST_MS = 90_000;

/** Calls the API as somebody of the test's tenant, without a browser. */
export async function callAs(role: RoleName) {
  const token = await tokenOf(WEB_URL, personOf(role));
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const call = (method: string, path: string, body?: object) =>
    fetch(WEB_URL + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });

  return {
    post: (path: string, body: object) => call('POST', path, body),
    get: (path: string) => call('GET', path),
    erase: (path: string) => call('DELETE', path),
  };
}

/** A consultation of the patient whose assessment is there; answers its id. */
export async function newConsultation(symptoms: string): Promise<string> {
  const patient = await callAs('patient');
  const created = await patient.post('/v1/consultations', { symptoms, locale: 'en' });
  if (!created.ok) throw new Error(`refused: ${created.status} ${await created.text()}`);
  const { id } = (await created.json()) as { id: string };

  await waitFor(async () => {
    const answer = await patient.get(`/v1/consultations/${id}?wait=20`);
    return ((await answer.json()) as { status: string }).status === 'completed';
  });
  return id;
}

/** A consultation that asks for a model, and none answers. */
export async function failedConsultation(): Promise<string> {
  const patient = await callAs('patient');
  const created = await patient.post('/v1/consultations', {
    symptoms: 'A sore throat since yesterday. [primary:500] [secondary:500]',
    locale: 'en',
    require_model: true,
  });
  const { id } = (await created.json()) as { id: string };

  const status = async () => {
    const answer = await patient.get(`/v1/consultations/${id}`);
    return ((await answer.json()) as { status: string }).status;
  };
  await expect.poll(status, { timeout: 90_000, interval: 2000 }).toBe('failed');
  return id;
}

const LABELS = {
  zh: { name: '电子邮箱', password: '密码', signIn: '登录' },
  en: { name: 'E-mail address', password: 'Password', signIn: 'Sign in' },
};

/**
 * Signs in the patient by name and password. Right behind a sign-out everywhere a new token counts
 * from the next second on, so it is tried again.
 */
export async function signInByName(page: Page, { language }: Look): Promise<void> {
  const { name, password } = personOf('patient');
  const labels = LABELS[language];
  await page.getByLabel(labels.name, { exact: true }).fill(name);
  await page.getByLabel(labels.password, { exact: true }).fill(password);

  const button = page.getByRole('button', { name: labels.signIn, exact: true });
  const menu = page.getByRole('navigation');
  await waitFor(async () => {
    if (!(await menu.isVisible())) await button.click({ timeout: 5000 }).catch(() => undefined);
    return menu.waitFor({ timeout: 5000 }).then(
      () => true,
      () => false,
    );
  });
}

/** Each look may take a while of its own; none comes right behind another. */
async function waitFor(isThere: () => Promise<boolean>): Promise<void> {
  await expect.poll(isThere, { interval: 1000, timeout: 60_000 }).toBe(true);
}

/** The rows of a list on the page, by their addresses. */
export async function rowsOf(page: Page): Promise<string[]> {
  const links = page.locator('.list-link');
  return links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''));
}
