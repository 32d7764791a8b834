import { addTexts } from '../texts';
import { consultationEn } from './en';
import { consultationZh } from './zh';

/** The page of one consultation imports this, so that its texts are there before it is. */
addTexts({ en: consultationEn, zh: consultationZh });
