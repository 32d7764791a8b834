import { MoonOutlined, SunOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { NavLink, useLocation } from 'react-router';
import type { Role } from '../api/types';
import { useLanguage, useTexts } from '../i18n/texts';
import { AccountMenu } from './AccountMenu';
import { useAppDispatch, useAppSelector } from './hooks';
import { pagesOf } from './pages';
import { languageChosen, savePreference, themeChosen } from './preferencesSlice';

export function Header() {
  const t = useTexts();
  const me = useAppSelector((state) => state.session.me);

  return (
    <header className="header">
      <div className="header-bar">
        <NavLink to="/" className="brand">
          <img src="/favicon.svg" alt="" width={28} height={28} />
          {t('app.name')}
        </NavLink>
        <LookButtons />
        {me && <AccountMenu me={me} />}
      </div>
      {/* Its place is kept, so that the page does not move down when somebody has signed in. */}
      {me ? <Menu role={me.role} /> : <div className="menu" />}
    </header>
  );
}

function Menu({ role }: { role: Role }) {
  const t = useTexts();
  const menu = useRef<HTMLElement>(null);
  const { pathname } = useLocation();

  // On a phone the menu scrolls: the open page's own name is to be seen.
  useEffect(() => {
    menu.current?.querySelector('.active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [pathname]);

  return (
    <nav ref={menu} className="menu" aria-label={t('app.menu')}>
      {pagesOf(role).map(({ path, text }) => (
        <NavLink key={path} to={path} end>
          {t(text)}
        </NavLink>
      ))}
    </nav>
  );
}

function LookButtons() {
  const t = useTexts();
  const dispatch = useAppDispatch();
  const language = useLanguage();
  const isDark = useAppSelector((state) => state.preferences.theme === 'dark');

  const switchLanguage = () => {
    const other = language === 'zh' ? 'en' : 'zh';
    savePreference({ language: other });
    dispatch(languageChosen(other));
  };
  const switchTheme = () => {
    const other = isDark ? 'light' : 'dark';
    savePreference({ theme: other });
    dispatch(themeChosen(other));
  };

  return (
    <div className="look">
      <Button type="text" lang={language === 'zh' ? 'en' : 'zh-CN'} onClick={switchLanguage}>
        {t('app.language')}
      </Button>
      <Button
        type="text"
        icon={isDark ? <SunOutlined /> : <MoonOutlined />}
        aria-label={t(isDark ? 'app.theme.light' : 'app.theme.dark')}
        title={t(isDark ? 'app.theme.light' : 'app.theme.dark')}
        onClick={switchTheme}
      />
    </div>
  );
}
