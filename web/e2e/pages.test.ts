import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { look, useBrowser } from './browser';
import { enPhone, zhDarkDesktop } from './looks';
import { callAs, failedConsultation, newConsultation } from './people';
import { openCold, readVitals, type Place } from './measure';

useBrowser();

interface Listing extends Place {
  /** Makes a row of the page's list: rows could jump. */
  fill?: () => Promise<unknown>;
}

const places: Listing[] = [
  { path: '/' },
  { role: 'patient', path: '/consultations/new' },
  { role: 'patient', path: '/consultations', fill: describe },
  { role: 'clinician', path: '/clinic', fill: describe },
  { role: 'clinician', path: '/knowledge', fill: bringIn },
  { role: 'admin', path: '/users', fill: importPerson },
  { role: 'admin', path: '/audit', fill: readAsAdmin },
  { role: 'admin', path: '/operations', fill: failedConsultation },
];

/** What Google calls good: https://web.dev/articles/cls */
const MOST_SHIFT = 0.1;

async function expectStill(page: Page): Promise<void> {
  const { layoutShift, moved } = await readVitals(page);
  expect(layoutShift, moved.join('\n')).toBeLessThan(MOST_SHIFT);
}

it.each(places)('nothing jumps while $path is loaded by: $role', async (place) => {
  await place.fill?.();
  for (const view of [enPhone, zhDarkDesktop]) {
    const page = await openCold(place, view);
    await expectStill(page);
    await page.context().close();
  }
});

it('nothing jumps while a consultation is loaded', async () => {
  const id = await newConsultation('A sore throat since yesterday.');
  for (const view of [enPhone, zhDarkDesktop]) {
    const page = await openCold({ role: 'patient', path: `/consultations/${id}` }, view);
    await expectStill(page);
    await page.context().close();
  }
});

it('the audit trail tells who has looked at a consultation', async () => {
  const id = await newConsultation('A blister on the heel.');
  const read = await openCold({ role: 'clinician', path: `/consultations/${id}` }, zhDarkDesktop);
  await read.context().close();

  const page = await openCold({ role: 'admin', path: '/audit' }, enPhone);
  await page.getByLabel('Consultation (id)').fill(id);
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.waitForURL((url) => url.searchParams.get('consultation_id') === id);
  await page.locator('[data-action=read_consultation]', { hasText: id }).first().waitFor();
  // The rows of before stay until those that were asked for are there.
  const others = page.locator(`a[href^="/consultations/"]:not([href="/consultations/${id}"])`);
  await expect.poll(() => others.count()).toBe(0);
  await page.getByRole('link', { name: 'Open consultation' }).first().waitFor();
  await page.getByText('Clinician').first().waitFor();
  await look(page, 'audit-en-phone');

  const wide = await openCold({ role: 'admin', path: '/audit' }, zhDarkDesktop);
  await wide.getByRole('table').waitFor();
  await look(wide, 'audit-zh-desktop-dark');
  await wide.getByLabel('问诊编号').fill('none');
  await wide.getByRole('button', { name: '查询', exact: true }).click();
  await wide.getByText('问诊编号：应为问诊编号').waitFor();
});

function describe(): Promise<string> {
  return newConsultation('A sore throat since yesterday.');
}

async function bringIn(): Promise<void> {
  const admin = await callAs('admin');
  const source = { title: 'Our clinic', url: 'https://clinic.example.org/blisters' };
  const document = { title: 'Blisters', content: '## Do\n\nCover it.', language: 'en', source };
  expect((await admin.post('/v1/knowledge/documents', document)).status).toBe(202);
}

async function importPerson(): Promise<void> {
  const admin = await callAs('admin');
  const person = { id: randomUUID(), email: 'li.na@demo.example', name: 'Li Na', role: 'patient' };
  expect((await admin.post('/v1/users/import', { users: [person] })).status).toBe(200);
}

/** The audit trail has it. */
async function readAsAdmin(): Promise<void> {
  const id = await describe();
  const admin = await callAs('admin');
  expect((await admin.get(`/v1/consultations/${id}`)).status).toBe(200);
}
