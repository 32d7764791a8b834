import { App as Antd, ConfigProvider } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { useEffect, useMemo } from 'react';
import { RouterProvider } from 'react-router/dom';
import { RealtimeProvider } from '../features/realtime/RealtimeProvider';
import { translate } from '../i18n/texts';
import { useAppSelector } from './hooks';
import { savePreferences } from './preferencesSlice';
import { router } from './router';
import { themeOf } from './theme';

const LOCALES = { zh: zhCN, en: enUS };

export function App() {
  const preferences = useAppSelector((state) => state.preferences);
  const { language, theme } = preferences;
  const antdTheme = useMemo(() => themeOf(theme), [theme]);

  useEffect(() => {
    savePreferences(preferences);
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.documentElement.dataset.theme = theme;
    document.title = translate(language, 'app.name');
  }, [preferences, language, theme]);

  return (
    <ConfigProvider
      locale={LOCALES[language]}
      theme={antdTheme}
      button={{ autoInsertSpace: false }}
    >
      <Antd>
        <RealtimeProvider>
          <RouterProvider router={router} />
        </RealtimeProvider>
      </Antd>
    </ConfigProvider>
  );
}
