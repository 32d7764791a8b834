import type { CDPSession, Page } from 'playwright-core';
import { it } from 'vitest';
import { useBrowser } from './browser';
import { zhPhone } from './looks';
import { newConsultation } from './people';
import { openCold, readVitals, type Place } from './measure';

/**
 * The figures that Lighthouse shows, measured in the tests' own Chromium on a phone's screen. They
 * tell changes of one machine, and assert nothing: other machines, and their neighbours, differ.
 */

/** Lighthouse's slow 4G as the browser's own tools apply it, and a CPU of a fourth of the speed. */
const NETWORK = {
  offline: false,
  latency: 562.5,
  downloadThroughput: (1.6e6 * 0.9) / 8,
  uploadThroughput: (0.75e6 * 0.9) / 8,
};
const CPU_RATE = 4;

useBrowser();

it('measures every page', { timeout: 900_000 }, async () => {
  // Lists of a screen and a half.
  let id = '';
  for (let row = 0; row < 10; row++) id = await newConsultation('A sore throat since yesterday.');
  const places: Place[] = [
    { path: '/' },
    { role: 'patient', path: '/consultations/new' },
    { role: 'patient', path: `/consultations/${id}` },
    { role: 'patient', path: '/consultations' },
    { role: 'clinician', path: '/clinic' },
    { role: 'clinician', path: '/knowledge' },
    { role: 'admin', path: '/users' },
    { role: 'admin', path: '/audit' },
    { role: 'admin', path: '/operations' },
  ];

  const rows: Record<string, object> = {};
  for (const place of places) {
    rows[place.path.replace(id, '{id}')] = await measure(place);
  }
  console.log('slow 4G, CPU slowed 4 times; all but the first with the sign-in; milliseconds');
  console.table(rows);
});

async function measure(place: Place): Promise<object> {
  let bytes = 0;
  const page = await openCold(place, zhPhone, async (page) => {
    const session = await throttle(page);
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
  });
  const { firstPaint, largestPaint, layoutShift, blocked } = await readVitals(page);
  await page.context().close();

  return {
    KB: Math.round(bytes / 1024),
    FCP: Math.round(firstPaint),
    LCP: Math.round(largestPaint),
    CLS: Number(layoutShift.toFixed(3)),
    TBT: Math.round(blocked),
  };
}

async function throttle(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await session.send('Network.emulateNetworkConditions', NETWORK);
  await session.send('Emulation.setCPUThrottlingRate', { rate: CPU_RATE });
  return session;
}
