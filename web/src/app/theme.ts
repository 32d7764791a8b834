import { theme as antd, type ThemeConfig } from 'antd';
import type { Theme } from './preferencesSlice';

/**
 * Texts have a contrast of at least 4.5 to 1 against what they stand on, and borders of fields and
 * buttons, which show where these are, of 3 to 1.
 */
export const TOKENS = {
  light: {
    colorPrimary: '#0b6e6e',
    colorLink: '#0b6e6e',
    colorLinkHover: '#084f4f',
    colorBgLayout: '#f4f7f7',
    colorBgContainer: '#ffffff',
    colorBorder: '#839090',
    colorTextPlaceholder: '#667173',
    colorTextDescription: '#55605f',
    colorTextSecondary: '#4a5556',
    colorError: '#b3261e',
    colorSuccess: '#226c35',
    colorWarning: '#8f4700',
    colorWarningBg: '#fff0dd',
    colorWarningBorder: '#e3b27a',
    colorErrorBg: '#fdeeec',
    colorErrorBorder: '#e6aaa5',
  },
  dark: {
    colorPrimary: '#4fc4bf',
    colorLink: '#6fd3cf',
    colorLinkHover: '#9be3e0',
    colorBgLayout: '#0f1516',
    colorBgContainer: '#182021',
    colorBorder: '#6d7c7d',
    colorTextPlaceholder: '#98a5a6',
    colorTextDescription: '#a9b5b5',
    colorTextSecondary: '#b9c4c4',
    colorTextLightSolid: '#06201f',
    colorError: '#ff8a80',
  },
};

export function themeOf(theme: Theme): ThemeConfig {
  return {
    algorithm: theme === 'dark' ? antd.darkAlgorithm : antd.defaultAlgorithm,
    token: { ...TOKENS[theme], borderRadius: 8, fontSize: 16, controlHeight: 40 },
  };
}
