"""One line an attempt. Whatever is raised, or says nothing of success, was denied."""


def tried(name, attempt):
    try:
        got = attempt()
    except Exception as error:  # any refusal, however it is told
        got, why = None, f' ({type(error).__name__}: {error})'
    else:
        why = ''
    verdict = f'SUCCEEDED {got}' if got else f'denied{why}'
    print(f'tried {name}: {verdict}'.replace('\n', ' ')[:200], flush=True)
