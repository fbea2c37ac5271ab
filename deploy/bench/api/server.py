"""The usual Python stack behind the same contract: FastAPI, uvicorn, scikit-learn (TF-IDF of 500 one- and two-word
terms) and LightGBM. PORT, MODEL and WORKERS come from the environment.

    server.py train SAMPLE.csv.gz ROUNDS LEAVES   writes MODEL
    server.py                                     serves it
"""

import csv
import gzip
import json
import os
import pathlib
import sys

TAXONOMY = pathlib.Path(__file__).parents[3] / "schema/taxonomies/bureau.json"
CATEGORIES = [c["name"] for c in json.loads(TAXONOMY.read_text())["categories"]]

# The first name that a product's name contains decides.
PRODUCTS = [
    ("credit reporting", 0), ("debt collection", 1), ("debt or credit management", 2), ("mortgage", 2), ("loan", 2),
    ("credit card", 3), ("prepaid", 3), ("account", 4), ("money transfer", 4), ("currency", 4), ("other financial", 4),
]


def train(sample, rounds, leaves):
    import joblib
    import lightgbm
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, labels = [], []
    with gzip.open(sample, "rt", newline="") as file:
        for row in csv.DictReader(file):
            product = row["Product"].lower()
            code = next((code for name, code in PRODUCTS if name in product), None)
            if code is not None:
                texts.append(row["Consumer complaint narrative"])
                labels.append(code)
    vectorizer = TfidfVectorizer(max_features=500, ngram_range=(1, 2), stop_words="english")
    model = lightgbm.LGBMClassifier(n_estimators=rounds, num_leaves=leaves, random_state=1, verbose=-1)
    model.fit(vectorizer.fit_transform(texts), labels)
    joblib.dump((vectorizer, model.booster_), os.environ["MODEL"])


def create():
    import joblib
    from fastapi import FastAPI
    from pydantic import BaseModel

    vectorizer, booster = joblib.load(os.environ["MODEL"])
    app = FastAPI()

    class Texts(BaseModel):
        text: list[str]

    @app.get("/readyz")
    def ready():
        return {"ready": True}

    @app.post("/v1/predict")
    def predict(texts: Texts):
        rows = booster.predict(vectorizer.transform(texts.text), num_threads=1)
        codes = rows.argmax(axis=1)
        return {"results": [
            {"prediction": CATEGORIES[code], "probability": float(row[code]), "category_code": int(code),
             "probabilities": dict(zip(CATEGORIES, row.tolist())), "needs_review": bool(row[code] < 0.85), "model_version": "python"}
            for row, code in zip(rows, codes)
        ]}

    return app


def main():
    if len(sys.argv) > 1:
        train(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    import uvicorn

    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    uvicorn.run("server:create", factory=True, host="127.0.0.1", port=int(os.environ["PORT"]),
                workers=int(os.environ["WORKERS"]), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
