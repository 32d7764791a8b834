import { expect, it } from 'vitest';
import { TOKENS } from './theme';

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

it.each(['light', 'dark'] as const)('the borders of fields are seen: %s', (theme) => {
  const { colorBorder, colorBgContainer, colorBgLayout } = TOKENS[theme];
  expect(contrast(colorBorder, colorBgContainer)).toBeGreaterThanOrEqual(3);
  expect(contrast(colorBorder, colorBgLayout)).toBeGreaterThanOrEqual(3);
});
