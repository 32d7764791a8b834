import { createRoot } from 'react-dom/client';
import { Provider } from 'react-redux';
import { App } from './app/App';
import { loadConfig } from './app/config';
import { store } from './app/store';
import { showUnavailable } from './app/unavailable';
import './app/styles.css';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no #root');

const isReady = await loadConfig().then(
  () => true,
  () => false,
);
if (isReady) {
  createRoot(root).render(
    <Provider store={store}>
      <App />
    </Provider>,
  );
} else {
  showUnavailable(root);
}
