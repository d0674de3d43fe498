from flask import Flask, jsonify

from notes import service

app = Flask(__name__)


@app.get("/copy/<int:source>/<int:target>")
def copy(source, target):
    return jsonify(service.copy(source, target))


@app.get("/check")
def check():
    return service.check()


@app.teardown_appcontext
def teardown(error):
    if error is not None:
        print("failed:", error)
