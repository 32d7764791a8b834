import type { Locator, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { isInView, look, signIn, useBrowser, visit, WEB_URL, type Look } from './browser';
import { enDesktop } from './looks';
import { callAs, newConsultation } from './people';

const SMALL = { width: 360, height: 640 };

/** The same behind a browser's own bars. */
const SMALLEST = { width: 360, height: 553 };

const enSmall: Look = { language: 'en', theme: 'light', size: SMALL };
const zhSmallest: Look = { language: 'zh', theme: 'dark', size: SMALLEST };

const EMERGENCY = '.urgency[data-urgency="emergency"]';

useBrowser();

it('a “yes” far down the page brings the emergency and its number into view', async () => {
  const page = await openNew('A cough for three days, and a runny nose. I feel well.', enSmall);
  const yes = question(page, 'struggling_to_breathe').getByRole('button', { name: 'Yes' });
  await yes.scrollIntoViewIfNeeded();
  const shown = await page.locator('.question').count();
  await page.getByRole('button', { name: /Show \d+ more/ }).click();
  // Who came there by the keyboard goes on with the first of them.
  const next = page.locator('.question').nth(shown).getByRole('button').first();
  await expect.poll(() => next.evaluate((it) => document.activeElement === it)).toBe(true);
  await page.locator('.question').last().scrollIntoViewIfNeeded();
  await page.locator('.urgency').waitFor();
  expect(await isInView(page.locator('.urgency-title'))).toBe(false);
  await page.locator('.urgency').evaluate((banner) => {
    banner.id = 'before';
  });

  await yes.evaluate((button: HTMLElement) => {
    button.focus({ preventScroll: true });
    button.click();
  });
  await expectBannerInView(page, 'Call 112');
  // An alert that comes is announced, and a status that becomes one is not.
  expect(await page.locator('#before').count()).toBe(0);
  await page.screenshot({ path: screenshot('raised-by-yes-en-small') });
});

it('a message that makes it an emergency brings the banner into view', async () => {
  const page = await openNew('A cough for three days, and a runny nose. I feel well.', enSmall);
  const field = page.getByRole('textbox', { name: 'Add something or answer' });
  await field.fill('Now I have crushing chest pain and cold sweats.');
  await page.getByRole('button', { name: 'Send' }).click();

  await expectBannerInView(page, 'Call 112');
  await page.screenshot({ path: screenshot('raised-by-message-en-small') });
});

it('an answer that was not sent stays at its question, and goes with one tap', async () => {
  const page = await openNew('A cough for three days, and a runny nose. I feel well.', enSmall);
  await loseNextAnswer(page);
  const lost = question(page, 'struggling_to_breathe');
  await lost.getByRole('button', { name: 'Yes' }).click();
  await lost.getByText('Your “Yes” was not sent.').waitFor();

  // Other answers, which are taken, do not make it forgotten.
  const other = question(page, await otherCode(page));
  await other.getByRole('button', { name: 'No' }).click();
  await page.getByText('Answered: 1').waitFor();
  expect(await lost.getByText('Your “Yes” was not sent.').isVisible()).toBe(true);
  expect(await lost.getByRole('link', { name: '112' }).getAttribute('href')).toBe('tel:112');
  await look(page, 'answer-not-sent-en-small');

  await lost.getByRole('button', { name: 'Send again' }).click();
  await expectBannerInView(page, 'Call 112');
});

it('a “yes” that met the end of a session is there when the patient is back', async () => {
  const page = await openNew('A cough for three days, and a runny nose. I feel well.', enSmall);
  const isAnswer = (url: URL) => url.pathname.endsWith('/answers');
  await page.route(isAnswer, (route) =>
    route.fulfill({ status: 401, json: { title: 'Unauthorized' } }),
  );
  const row = question(page, 'struggling_to_breathe');
  await row.getByRole('button', { name: 'Yes' }).click();
  await page.getByText('Your session has ended.').waitFor();

  await page.unroute(isAnswer);
  await signIn(page, 'patient', enSmall);
  await row.getByText('Your “Yes” was not sent.').waitFor();
  await row.getByRole('button', { name: 'Send again' }).click();
  await expectBannerInView(page, 'Call 112');
  const kept = await page.evaluate(() => Object.keys(sessionStorage));
  expect(kept).toEqual(['wenzhen.draft.owner']);
});

it('a “no” by mistake can become a “yes”, and “unsure” counts', async () => {
  const page = await openNew('A cough for three days, and a runny nose. I feel well.', enSmall);
  const row = question(page, 'struggling_to_breathe');
  const answer = (name: string) => row.getByRole('button', { name, exact: true });
  await answer('No').click();
  await page.getByText('Answered: 1').waitFor();

  await answer('Unsure').click();
  await page.locator('.urgency[data-urgency="urgent"], ' + EMERGENCY).waitFor();
  expect(await answer('No').isDisabled()).toBe(true);
  expect(await answer('Yes').isEnabled()).toBe(true);
  await expectApart(answer('Yes'), answer('No'));
  await answer('Yes').click();
  await expectBannerInView(page, 'Call 112');
});

it('a read from before a “yes” does not take the emergency back, though it comes later', async () => {
  const id = await newConsultation('A cough for three days, and a runny nose. I feel well.');
  const page = await openAs(id, enSmall);
  let comeLate = (): void => undefined;
  const isLate = new Promise<void>((resolve) => {
    comeLate = resolve;
  });
  const reads = { sent: 0, answered: 0 };
  await page.route(
    (url) => url.pathname === `/v1/consultations/${id}`,
    async (route) => {
      const answer = await route.fetch();
      if (reads.sent++ === 0) await isLate;
      await route.fulfill({ response: answer });
      reads.answered++;
    },
  );
  // Whoever is back on the network reads again what is shown, unless a read is on its way already.
  const readAgain = async () => {
    if (reads.sent === 0) await page.evaluate(() => window.dispatchEvent(new Event('online')));
    return reads.sent;
  };
  await expect.poll(readAgain).toBe(1);
  await question(page, 'struggling_to_breathe').getByRole('button', { name: 'Yes' }).click();
  await page.locator(EMERGENCY).waitFor();

  const shown = await watchUrgency(page);
  comeLate();
  await expect.poll(() => reads.answered).toBeGreaterThan(1);
  await page.getByText('Answered: 1').waitFor();
  expect((await shown()).filter((urgency) => urgency !== 'emergency')).toEqual([]);
});

it('an emergency that comes while Back waits for a longer page is shown', async () => {
  const page = await openNew('A cough for three days, and a runny nose. I feel well.', enSmall);
  const { pathname } = new URL(page.url());
  await page.locator('.question').last().scrollIntoViewIfNeeded();
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(500);
  await page.getByRole('link', { name: 'My consultations' }).evaluate((link: HTMLElement) => {
    link.click();
  });
  await page.locator('.list-row').first().waitFor();

  // With its banner alone, the page is too short for where it was left.
  const cut = await page.addStyleTag({ content: '.urgency ~ * { display: none }' });
  await page.goBack();
  await page.locator('.urgency').waitFor();
  const patient = await callAs('patient');
  const answers = { struggling_to_breathe: 'yes' };
  const answered = await patient.post(`/v1${pathname}/answers`, { answers });
  expect(answered.status).toBe(200);
  await expectBannerInView(page, 'Call 112');

  // The page is long enough now, and has been painted so.
  await cut.evaluate(async (style: HTMLElement) => {
    style.remove();
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  });
  expect(await isInView(page.locator('.urgency-title'))).toBe(true);
});

it('in an emergency the number stands before the advice, on the smallest screen', async () => {
  const page = await openNew('胸痛，放射到左臂，出冷汗', zhSmallest);
  expect(await isInView(page.getByRole('link', { name: '拨打120' }))).toBe(true);
  // What is announced is an alert from its beginning, and is said in its own language.
  expect(await page.locator(EMERGENCY).getAttribute('role')).toBe('alert');
  expect(await page.locator('.urgency-advice').getAttribute('lang')).toBe('zh-CN');
  expect(await page.locator('.summary').getAttribute('lang')).toBe('zh-CN');
  await page.screenshot({ path: screenshot('emergency-zh-smallest') });

  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('link', { name: 'Call 112' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
  expect(await page.locator('.urgency-advice').getAttribute('lang')).toBe('zh-CN');
});

it('a clinician is told of an emergency, and not whom a patient would call', async () => {
  const id = await newConsultation('I have crushing chest pain and cold sweats.');
  const page = await visit(enDesktop);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'clinician', enDesktop);
  await page.locator(EMERGENCY).waitFor();
  expect(await page.getByRole('link', { name: 'Call 112' }).count()).toBe(0);
});

it('what is urgent is nowhere in the history, nor seen by the next person', async () => {
  const page = await visit(enSmall);
  await signIn(page, 'patient', enSmall);
  await page.getByLabel('Symptoms').fill('I have crushing chest pain and cold sweats.');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.locator(EMERGENCY).waitFor();
  const advice = (await page.locator('.urgency-advice').textContent()) ?? '';
  expect(advice).not.toBe('');
  const state = await page.evaluate(() => JSON.stringify(history.state));
  expect(state).not.toContain(advice);
  expect(state).not.toContain('emergency');

  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
  expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);

  // Somebody else of the same tab comes back to the address.
  let answer = (): void => undefined;
  const isAnswered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(/\/v1\/consultations\/[\w-]{36}$/, async (route) => {
    await isAnswered;
    await route.fulfill({ status: 404, json: { title: 'Not found', detail: 'There is none.' } });
  });
  await page.goBack();
  await signIn(page, 'patient', enSmall);
  await page.locator('.ant-skeleton').first().waitFor();
  expect(await page.locator('.urgency').count()).toBe(0);
  answer();
  await page.locator('.failure').waitFor();
  expect(await page.locator('.urgency').count()).toBe(0);
  expect(await page.locator('main').textContent()).not.toContain(advice);
});

it('another consultation shows nothing of the one before', async () => {
  const first = await newConsultation('A blister on the heel.');
  const second = await newConsultation('A runny nose for two days.');
  const page = await openAs(first, enSmall);
  await page.locator('.words', { hasText: 'A blister on the heel.' }).waitFor();
  let release = (): void => undefined;
  const isReleased = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(
    (url) => url.pathname.endsWith(second),
    async (route) => {
      await isReleased;
      await route.continue();
    },
  );

  await page.evaluate((path) => {
    history.pushState(null, '', path);
    window.dispatchEvent(new PopStateEvent('popstate'));
  }, `/consultations/${second}`);
  await page.locator('.ant-skeleton').first().waitFor();
  expect(await page.getByText('A blister on the heel.').count()).toBe(0);
  release();
  await page.locator('.words', { hasText: 'A runny nose for two days.' }).waitFor();
});

function screenshot(name: string): string {
  return new URL(`./screenshots/${name}.png`, import.meta.url).pathname;
}

/** A consultation of the patient, whose assessment is there. */
async function openNew(symptoms: string, as: Look): Promise<Page> {
  const patient = await callAs('patient');
  const created = await patient.post('/v1/consultations', { symptoms, locale: as.language });
  const { id } = (await created.json()) as { id: string };
  return openAs(id, as);
}

async function openAs(id: string, as: Look): Promise<Page> {
  const page = await visit(as);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'patient', as);
  const name = as.language === 'zh' ? '评估' : 'Assessment';
  await page.getByRole('heading', { name, exact: true }).waitFor();
  return page;
}

function question(page: Page, code: string): Locator {
  return page.locator(`[data-question="${code}"]`);
}

/** The code of a question that is shown beside the one about breathing. */
async function otherCode(page: Page): Promise<string> {
  const codes = await page
    .locator('[data-question]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-question') ?? ''));
  return codes.find((code) => code !== 'struggling_to_breathe') ?? '';
}

/** The stack answers so, too, but not when a test wants it. */
async function loseNextAnswer(page: Page): Promise<void> {
  await page.route(
    (url) => url.pathname.endsWith('/answers'),
    (route) =>
      route.fulfill({
        status: 503,
        json: { title: 'Unavailable', detail: 'The database cannot be reached right now.' },
      }),
    { times: 1 },
  );
}

async function expectBannerInView(page: Page, call: string): Promise<void> {
  await page.locator(EMERGENCY).waitFor();
  await expect.poll(() => isInView(page.getByRole('link', { name: call }))).toBe(true);
  expect(await isInView(page.locator('.urgency-title'))).toBe(true);
  const hasFocus = page.locator(EMERGENCY).evaluate((banner) => document.activeElement === banner);
  expect(await hasFocus).toBe(true);
}

/** What the banner has said since, at each change of the page. */
async function watchUrgency(page: Page): Promise<() => Promise<(string | undefined)[]>> {
  const shown = await page.evaluateHandle(() => {
    const urgencies: (string | undefined)[] = [];
    const note = () => {
      urgencies.push(document.querySelector<HTMLElement>('.urgency')?.dataset.urgency);
    };
    note();
    const changes = { subtree: true, childList: true, attributes: true };
    new MutationObserver(note).observe(document.body, changes);
    return urgencies;
  });
  return () => shown.jsonValue();
}

/** Far enough from each other that a finger does not touch both. */
async function expectApart(one: Locator, other: Locator): Promise<void> {
  const [left, right] = await Promise.all([one.boundingBox(), other.boundingBox()]);
  const gap = (right?.x ?? 0) - (left?.x ?? 0) - (left?.width ?? 0);
  expect(gap).toBeGreaterThanOrEqual(20);
}
