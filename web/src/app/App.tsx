import { ConfigProvider } from 'antd';
import { useEffect, useMemo } from 'react';
import { RouterProvider } from 'react-router/dom';
import { RealtimeProvider } from '../features/realtime/RealtimeProvider';
import { tagOf } from '../i18n/texts';
import { useAppSelector } from './hooks';
import { router } from './router';
import { themeOf } from './theme';

export function App() {
  const { language, theme } = useAppSelector((state) => state.preferences);
  const antdTheme = useMemo(() => themeOf(theme), [theme]);

  useEffect(() => {
    document.documentElement.lang = tagOf(language);
    document.documentElement.dataset.theme = theme;
  }, [language, theme]);

  return (
    <ConfigProvider theme={antdTheme} button={{ autoInsertSpace: false }}>
      <RealtimeProvider>
        <RouterProvider router={router} />
      </RealtimeProvider>
    </ConfigProvider>
  );
}
