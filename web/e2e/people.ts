import type { Page } from 'playwright-core';
import { signIn, visit, WEB_URL, type Look, type RoleName } from './browser';
import { enDesktop } from './looks';

/** Calls the API as somebody does who has signed in by the client. */
export async function callAs(role: RoleName) {
  const page = await visit(enDesktop);
  const token = page
    .waitForRequest((request) => request.url().endsWith('/v1/users/me'))
    .then((request) => request.headers().authorization ?? '');
  await signIn(page, role, enDesktop);
  const headers = { authorization: await token };

  return {
    page,
    post: (path: string, data: object) => page.request.post(WEB_URL + path, { headers, data }),
    get: (path: string) => page.request.get(WEB_URL + path, { headers }),
    erase: (path: string) => page.request.delete(WEB_URL + path, { headers }),
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

const LABELS = {
  zh: { name: '电子邮箱', password: '密码', signIn: '登录' },
  en: { name: 'E-mail address', password: 'Password', signIn: 'Sign in' },
};

/**
 * Signs in as somebody whom only one test knows, who may be signed out everywhere. Right behind that
 * a new token counts from the next second on, so it is tried again.
 */
export async function signInAsLeaver(page: Page, { language }: Look): Promise<void> {
  const { WEB_LEAVER: name, WEB_LEAVER_PASSWORD: password } = process.env;
  if (!name || !password)
    throw new Error('WEB_LEAVER is not set; `cargo xtask test --web` does so');
  const labels = LABELS[language];
  await page.getByLabel(labels.name, { exact: true }).fill(name);
  await page.getByLabel(labels.password, { exact: true }).fill(password);

  const button = page.getByRole('button', { name: labels.signIn, exact: true });
  const menu = page.getByRole('navigation');
  await waitFor(async () => {
    if (!(await menu.isVisible())) await button.click();
    return menu.waitFor({ timeout: 5000 }).then(
      () => true,
      () => false,
    );
  });
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
