import { expect, it } from 'vitest';
import { signIn, useBrowser, visit } from './browser';
import { enPhone } from './looks';
import { newConsultation, rowsOf } from './people';

useBrowser();

it('a list is read on by its cursors as one scrolls, each row once', async () => {
  for (let number = 1; number <= 4; number++) await newConsultation(`A cough, time ${number}.`);
  const page = await visit(enPhone);
  const cursors: (string | null)[] = [];
  // A small page of the API's own, so that a few rows are several pages.
  await page.route(
    (url) => url.pathname === '/v1/consultations',
    async (route) => {
      const url = new URL(route.request().url());
      cursors.push(url.searchParams.get('cursor'));
      url.searchParams.set('limit', '2');
      await route.continue({ url: url.href });
    },
  );
  await signIn(page, 'patient', enPhone);
  await page.getByRole('link', { name: 'My consultations' }).click();
  await page.locator('.list-row').first().waitFor();

  await expect
    .poll(
      async () => {
        await page.mouse.wheel(0, 5000);
        return page.getByText('That is all.').isVisible();
      },
      { timeout: 120_000 },
    )
    .toBe(true);
  const rows = await rowsOf(page);
  expect(rows.length).toBeGreaterThanOrEqual(4);
  expect(new Set(rows).size).toBe(rows.length);
  expect(cursors[0]).toBeNull();
  expect(new Set(cursors).size).toBe(Math.ceil(rows.length / 2));
});

it('a clinician reads on from the most urgent, whenever it came', async () => {
  const EMERGENCY = 'I have crushing chest pain and cold sweats.';
  const oldest = await newConsultation(EMERGENCY);
  for (let number = 1; number <= 3; number++) await newConsultation(EMERGENCY);
  await newConsultation('A runny nose for two days.');
  const page = await visit(enPhone);
  await page.route(
    (url) => url.pathname === '/v1/consultations',
    async (route) => {
      const url = new URL(route.request().url());
      url.searchParams.set('limit', '3');
      await route.continue({ url: url.href });
    },
  );
  await signIn(page, 'clinician', enPhone);

  // Behind all emergencies come others, however new these are.
  const calm = page.locator('.list-row .tag:not(.tag-emergency)');
  await expect
    .poll(
      async () => {
        await page.mouse.wheel(0, 5000);
        return calm.count();
      },
      { timeout: 60_000 },
    )
    .toBeGreaterThan(0);
  const tags = page.locator('.list-row .tag');
  const urgencies = await tags.evaluateAll((all) =>
    all.map((tag) => (tag.getAttribute('class') ?? '').replace('tag tag-', '')),
  );
  const order = ['emergency', 'urgent', 'routine', 'self_care'];
  const places = urgencies.map((urgency) => order.indexOf(urgency));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  const rows = await rowsOf(page);
  expect(new Set(rows).size).toBe(rows.length);
  expect(rows.indexOf(`/consultations/${oldest}`)).toBeLessThan(places.lastIndexOf(0) + 1);
  expect(rows).toContain(`/consultations/${oldest}`);
});

it('a list is read on by the keyboard', async () => {
  for (let number = 1; number <= 4; number++) await newConsultation(`A cough, time ${number}.`);
  const page = await visit(enPhone);
  await page.addInitScript(() => {
    // A screen reader may never scroll.
    window.IntersectionObserver = class {
      observe = () => undefined;
      unobserve = () => undefined;
      disconnect = () => undefined;
    } as unknown as typeof IntersectionObserver;
  });
  await page.route(
    (url) => url.pathname === '/v1/consultations',
    async (route) => {
      const url = new URL(route.request().url());
      url.searchParams.set('limit', '2');
      await route.continue({ url: url.href });
    },
  );
  await page.reload();
  await signIn(page, 'patient', enPhone);
  await page.getByRole('link', { name: 'My consultations' }).click();
  await page.locator('.list-row').nth(1).waitFor();
  expect(await page.locator('.list-row').count()).toBe(2);

  await page.getByRole('button', { name: 'Load more' }).press('Enter');
  await page.locator('.list-row').nth(3).waitFor();
});
