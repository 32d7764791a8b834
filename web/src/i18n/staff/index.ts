import { addTexts } from '../texts';
import { staffEn } from './en';
import { staffZh } from './zh';

/** Pages for clinicians and admins import this, so that their texts are there before they are. */
addTexts({ en: staffEn, zh: staffZh });
