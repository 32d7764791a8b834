import { ConfigProvider } from 'antd';
import { useEffect, useMemo } from 'react';
import { RouterProvider } from 'react-router/dom';
import { RealtimeProvider } from '../features/realtime/RealtimeProvider';
import { translate } from '../i18n/texts';
import { useAppSelector } from './hooks';
import { router } from './router';
import { themeOf } from './theme';

export function App() {
  const { language, theme } = useAppSelector((state) => state.preferences);
  const antdTheme = useMemo(() => themeOf(theme), [theme]);

  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.documentElement.dataset.theme = theme;
    document.title = translate(language, 'app.name');
  }, [language, theme]);

  return (
    <ConfigProvider theme={antdTheme} button={{ autoInsertSpace: false }}>
      <RealtimeProvider>
        <RouterProvider router={router} />
      </RealtimeProvider>
    </ConfigProvider>
  );
}
