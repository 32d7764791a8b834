import { DESKTOP, PHONE, type Look } from './browser';

export const enPhone: Look = { language: 'en', theme: 'light', size: PHONE };
export const zhPhone: Look = { language: 'zh', theme: 'light', size: PHONE };
export const enDarkPhone: Look = { language: 'en', theme: 'dark', size: PHONE };
export const zhDarkPhone: Look = { language: 'zh', theme: 'dark', size: PHONE };
export const enDesktop: Look = { language: 'en', theme: 'light', size: DESKTOP };
export const zhDesktop: Look = { language: 'zh', theme: 'light', size: DESKTOP };
export const zhDarkDesktop: Look = { language: 'zh', theme: 'dark', size: DESKTOP };
