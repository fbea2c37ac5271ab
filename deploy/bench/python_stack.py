"""The usual Python stack for the same work, to compare the consumer with.

confluent-kafka, scikit-learn (TF-IDF of 500 terms), LightGBM (its defaults: 100 rounds of 31 leaves a class) and
pyarrow: messages of a Kafka topic come in, classified complaints go to another topic and gold rows to Parquet files
in S3. At least once: the offsets are committed after both. One process a core, each with its share of the partitions.

    python_stack.py train  --sample complaints.csv.gz --model model.joblib
    python_stack.py stream --model model.joblib --brokers HOST:PORT --lake s3://bucket/prefix ...

The last line of stream is JSON.
"""

import argparse
import csv
import gzip
import json
import multiprocessing
import pathlib
import time
from datetime import date, datetime, timezone

TAXONOMY = pathlib.Path(__file__).parents[2] / "schema/taxonomies/bureau.json"
CATEGORIES = [c["name"] for c in json.loads(TAXONOMY.read_text())["categories"]]

# The first name that a product's name contains decides.
PRODUCTS = [
    ("credit reporting", 0), ("debt collection", 1), ("debt or credit management", 2), ("mortgage", 2), ("loan", 2),
    ("credit card", 3), ("prepaid", 3), ("account", 4), ("money transfer", 4), ("currency", 4), ("other financial", 4),
]

TEXTS = [
    "complaint_id", "product", "sub_product", "issue", "sub_issue", "company", "state", "zip_code", "tags", "submitted_via",
    "company_response", "timely", "consumer_disputed", "category", "model_version", "source_topic",
]


def category_of(product):
    product = product.lower()
    return next((code for name, code in PRODUCTS if name in product), None)


def train(args):
    import joblib
    import lightgbm
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, labels = [], []
    with gzip.open(args.sample, "rt", newline="") as file:
        for row in csv.DictReader(file):
            code = category_of(row["Product"])
            if code is not None:
                texts.append(row["Consumer complaint narrative"])
                labels.append(code)
    vectorizer = TfidfVectorizer(max_features=500, stop_words="english")
    model = lightgbm.LGBMClassifier(
        n_estimators=args.rounds, num_leaves=args.leaves, n_jobs=args.processes, random_state=1, verbose=-1)
    model.fit(vectorizer.fit_transform(texts), labels)
    joblib.dump((vectorizer, model.booster_), args.model)
    print(json.dumps({"rows": len(texts), "trees": model.booster_.num_trees()}))


class Worker:
    """One process: its consumer, its producer, its gold rows."""

    def __init__(self, args, number, done):
        import joblib
        import pyarrow.fs
        from confluent_kafka import Consumer, Producer

        self.args, self.number, self.done = args, number, done
        self.vectorizer, self.booster = joblib.load(args.model)
        self.consumer = Consumer({
            "bootstrap.servers": args.brokers, "group.id": args.group,
            "auto.offset.reset": "earliest", "enable.auto.commit": False,
        })
        self.producer = Producer({
            "bootstrap.servers": args.brokers, "compression.type": "zstd", "queue.buffering.max.messages": 1_000_000,
        })
        if args.lake.startswith("s3://"):
            self.files = pyarrow.fs.S3FileSystem(endpoint_override=args.s3_endpoint, region=args.s3_region)
            self.root = args.lake.removeprefix("s3://")
        else:
            self.files, self.root = pyarrow.fs.LocalFileSystem(), args.lake
            self.files.create_dir(self.root, recursive=True)
        self.rows, self.written = [], 0

    def run(self):
        self.consumer.subscribe([self.args.source])
        began = quiet = time.monotonic()
        while self.done.value < self.args.limit and time.monotonic() - quiet < 10:
            messages = [m for m in self.consumer.consume(self.args.batch, timeout=0.2) if not m.error()]
            if not messages:
                continue
            self.classify(messages)
            if len(self.rows) >= self.args.roll_rows:
                self.flush()
            with self.done.get_lock():
                self.done.value += len(messages)
            quiet = time.monotonic()
        self.flush()
        self.consumer.close()
        return time.monotonic() - began

    def classify(self, messages):
        complaints = [json.loads(m.value()) for m in messages]
        features = self.vectorizer.transform([c["narrative"] for c in complaints])
        probabilities = self.booster.predict(features, num_threads=1).tolist()
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        for message, complaint, row in zip(messages, complaints, probabilities):
            code = max(range(len(row)), key=row.__getitem__)
            complaint |= {
                "category": CATEGORIES[code], "category_code": code, "probability": row[code],
                "probabilities": dict(zip(CATEGORIES, row)), "needs_review": row[code] < 0.85,
                "model_version": "python", "classified_at": now, "source_topic": message.topic(),
                "source_partition": message.partition(), "source_offset": message.offset(),
                "source_timestamp": message.timestamp()[1],
            }
            self.producer.produce(self.args.target, key=message.key(), value=json.dumps(complaint))
            complaint.pop("narrative")
            self.rows.append(complaint)
        self.producer.flush()

    def flush(self):
        """Write the gold rows, and then commit the offsets of all that was classified."""
        import pyarrow
        import pyarrow.parquet

        if not self.rows:
            return
        self.rows.sort(key=lambda r: (r["category"], r.get("state", "")))
        columns = {name: pyarrow.array([r.get(name) for r in self.rows], pyarrow.string()) for name in TEXTS}
        columns["date_received"] = pyarrow.array(
            [date.fromisoformat(r["date_received"][:10]) if r.get("date_received") else None for r in self.rows])
        for code, name in enumerate(CATEGORIES):
            columns[f"probability_{code}"] = pyarrow.array([r["probabilities"][name] for r in self.rows])
        for name in ["category_code", "probability", "needs_review", "source_partition", "source_offset", "source_timestamp"]:
            columns[name] = pyarrow.array([r[name] for r in self.rows])
        columns["classified_at"] = pyarrow.array([datetime.fromisoformat(r["classified_at"]) for r in self.rows])
        path = f"{self.root}/part-{self.number}-{self.written:05}.parquet"
        pyarrow.parquet.write_table(pyarrow.table(columns), path, filesystem=self.files, compression="zstd")
        self.written += 1
        self.rows = []
        self.consumer.commit(asynchronous=False)


def work(args, number, done):
    Worker(args, number, done).run()


def stream(args):
    done = multiprocessing.Value("q", 0)
    workers = [multiprocessing.Process(target=work, args=(args, n, done)) for n in range(args.processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    if any(w.exitcode for w in workers):
        raise SystemExit("a worker failed")
    print(json.dumps({"messages": done.value}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for name, run in ("train", train), ("stream", stream):
        p = commands.add_parser(name)
        p.set_defaults(run=run)
        p.add_argument("--model", required=True)
        p.add_argument("--processes", type=int, default=2)
    t, s = commands.choices["train"], commands.choices["stream"]
    t.add_argument("--sample", required=True)
    t.add_argument("--rounds", type=int, default=100)
    t.add_argument("--leaves", type=int, default=31)
    s.add_argument("--brokers", required=True)
    s.add_argument("--source", default="complaints")
    s.add_argument("--target", required=True)
    s.add_argument("--group", default="python")
    s.add_argument("--lake", required=True, help="s3://bucket/prefix or a directory")
    s.add_argument("--s3-endpoint")
    s.add_argument("--s3-region", default="us-east-1")
    s.add_argument("--limit", type=int, required=True, help="end after that many messages")
    s.add_argument("--batch", type=int, default=5000)
    s.add_argument("--roll-rows", type=int, default=50_000)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
