import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { useBrowser, visit } from './browser';
import { enDesktop } from './looks';

/** More presses of Tab than any way on these pages takes. */
const MOST_TABS = 60;

useBrowser();

it('a patient comes from the sign-in to a sent message by the keyboard alone', async () => {
  const page = await visit(enDesktop);
  await tabTo(page, 'Patient');
  await page.keyboard.press('Enter');
  await page.getByLabel('Symptoms').waitFor();

  await tabTo(page, 'Symptoms');
  await page.keyboard.type('A cough for three days, and a runny nose. I feel well.');
  await tabTo(page, 'Age');
  await page.keyboard.type('30');
  await tabTo(page, 'Female');
  await page.keyboard.press('Space');
  await tabTo(page, 'Assess now');
  await page.keyboard.press('Enter');
  await page.locator('.urgency').waitFor();
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();

  await tabTo(page, 'No');
  await page.keyboard.press('Enter');
  await page.getByText('Answered: 1').waitFor();
  await tabTo(page, 'Add something or answer');
  await page.keyboard.type('It is better today.');
  await tabTo(page, 'Send');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Conversation' }).waitFor();

  // What asks before it acts takes the focus, and gives it back.
  await tabTo(page, 'Delete');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Delete this consultation?' });
  await dialog.waitFor();
  expect(await dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  expect(await focusedName(page)).toBe('Delete');
});

/** Goes on to the element of this name as somebody does who cannot point; each one must be seen. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let press = 0; press < MOST_TABS; press++) {
    await page.keyboard.press('Tab');
    if ((await focusedName(page)) !== name) continue;
    const isMarked = await page.evaluate(() => {
      const element = document.activeElement;
      const marked = element?.closest('label, .ant-radio-button-wrapper');
      const styles = [element, marked].map((it) => (it ? getComputedStyle(it) : undefined));
      // A field has a shadow for it; of a button, the shadow is there without the focus, too.
      const isField = element?.matches('input, textarea') ?? false;
      return styles.some(
        (it) => it && (it.outlineStyle !== 'none' || (isField && it.boxShadow !== 'none')),
      );
    });
    expect(isMarked, `the focus is seen on ${name}`).toBe(true);
    return;
  }
  throw new Error(`no press of Tab comes to ${name}`);
}

/** What a screen reader calls the element that has the focus, as far as these pages go. */
function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement)) return '';
    const labels =
      element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement
        ? [...(element.labels ?? [])].map((label) => label.textContent)
        : [];
    const name = element.getAttribute('aria-label') ?? (labels.join(' ') || element.textContent);
    return name.trim();
  });
}
