"""Some of the faults, on one engine: what they need is set up, they are tried side by side, and all of it goes again."""
import os
import queue
import shutil
import tempfile
import threading
from pathlib import Path

from harness.certificates import Certificates
from harness.faults import table
from harness.faults.hcf import Hcf
from harness.faults.lane import Lane
from harness.faults.places import forget_loads
from harness.faults.verdict import baseline, tried


class Matrix:
    """`engine()` gives the engine; `count` faults are tried at once."""

    def __init__(self, name, engine, faults, count):
        self.name, self.make_engine, self.faults, self.count = f'faults-{os.getpid()}-{name}', engine, faults, max(1, min(count, len(faults)))
        self.stopping = False
        self.engine, self.hcf, self.lanes, self.outcomes, self.left, self.broken = None, None, [], [], [], []
        # Engines share /tmp with this machine.
        self.folder = Path(tempfile.mkdtemp(prefix='faults-', dir='/tmp'))

    def run(self):
        """To its end. What goes wrong with the matrix itself is in `broken`."""
        try:
            self.engine = self.make_engine()
            self.hcf = Hcf(self.engine.static, self.folder, self.name, self.engine)
            self.hcf.set_up()
            certificates = Certificates(self.folder / 'certificates')
            for number in range(self.count):
                self.lanes.append(Lane(number, self.engine, self.hcf, certificates, self.folder / f'lane-{number}'))
                self.lanes[-1].up()
            self.try_all()
        except BaseException as error:
            self.broken.append(error)

    def try_all(self):
        """Side by side; and then, one after the other, those beside which nothing may run."""
        self.side_by_side(self.lanes, [fault for fault in self.faults if not fault.alone])
        self.side_by_side(self.lanes[:1], [fault for fault in self.faults if fault.alone])

    def side_by_side(self, lanes, faults):
        waiting = queue.SimpleQueue()
        for fault in faults:
            waiting.put(fault)
        threads = [threading.Thread(target=self.work, args=(lane, waiting), daemon=True) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, lane, waiting):
        """Tries one fault after the other in a lane."""
        try:
            for number in range(len(self.faults) + 1):
                volume = f'stager-cache-{lane.network}-{number}'
                if lane.guid is None:
                    baseline(lane, volume)
                fault = waiting.get_nowait()
                if self.stopping:
                    return
                self.outcomes.append(tried(fault, lane, volume))
                print(table.line(self.outcomes[-1]), flush=True)
        except queue.Empty:
            pass
        except BaseException as error:
            self.broken.append(error)

    def close(self):
        """Removes what it made; then nothing of ours may be left on an engine of its own."""
        try:
            for lane in self.lanes:
                lane.down()
            if self.hcf:
                self.hcf.down()
            if self.engine:
                forget_loads(self.engine)
                self.left = self.engine.left()
        finally:
            if self.engine:
                self.engine.close()
            shutil.rmtree(self.folder, ignore_errors=True)
