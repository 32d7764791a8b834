import { Button } from 'antd';
import { useId, type ReactNode, type RefObject } from 'react';
import { useTexts } from '../i18n/texts';

interface Props {
  dialog: RefObject<HTMLDialogElement>;
  title: string;
  what: string;
  /** What the button that means it says. */
  confirm: string;
  /** What the other button says. */
  cancel?: string;
  /** Whether what is confirmed takes something away for good. */
  isDanger?: boolean;
  isBusy?: boolean;
  /** After it was closed in any way. */
  onClose?: () => void;
  /** The dialog stays open: whoever opened it closes it. */
  onConfirm: () => void;
  children?: ReactNode;
}

/** Says what an act means that cannot be taken back, and asks. `showModal()` opens it. */
export function ConfirmDialog(props: Props) {
  const { dialog, title, what, confirm, cancel, children } = props;
  const { isDanger = true, isBusy = false, onClose, onConfirm } = props;
  const t = useTexts();
  const titleId = useId();

  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      onClose={onClose}
      onCancel={(event) => {
        if (isBusy) event.preventDefault();
      }}
    >
      <h2 id={titleId}>{title}</h2>
      <p>{what}</p>
      {children}
      <div className="row">
        <Button disabled={isBusy} onClick={() => dialog.current?.close()}>
          {cancel ?? t('app.cancel')}
        </Button>
        <Button
          danger={isDanger}
          type={isDanger ? 'default' : 'primary'}
          loading={isBusy}
          onClick={onConfirm}
        >
          {confirm}
        </Button>
      </div>
    </dialog>
  );
}
