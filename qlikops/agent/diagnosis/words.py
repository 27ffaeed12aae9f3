"""Words that speak against a harmless cause, in the languages of the engines' catalogues."""

from __future__ import annotations

import re

OF_THE_LOG = re.compile(
    r"(?<![^\W_])(?:"
    # Where an engine keeps what changed, and where one is in it.
    r"\w*slots?|wals?|walsender|xlog|binlogs?|(?:binary|relay|redo|archive|backup) ?logs?|gtids?|oplogs?"
    r"|resume[ _-]?(?:token|point)|change ?(?:streams?|tables?)|[lst]sn|scn|rba|rrn|redo\w*|undo\w*|rollback segments?"
    r"|log[ _-]?(?:sequence|position|scan|files?|segments?|backups?|readers?|mnr|miner|streams?)|archived"
    r"|archiv(?:ing|er)|journals?|receivers?|check-?points?|offsets?|positions?|sequences?|timelines?|retention"
    # What becomes of it.
    r"|purg\w+|invalidat\w+|truncat\w+|recycl\w+|overwritten|rotated|removed|deleted|expired? log\w*|too old|no longer"
    # The same in other languages of the engines' catalogues.
    r"|\w*(?:protokoll|archiv|aufbewahr|journal|prüfpunkt|invalid|ungültig|gelöscht|entfernt)\w*"
    r"|emplacements?|segments?|journaux|supprim\w+|archivé\w*|purgé\w*|conservation|ranuras?|registros?|eliminad\w+"
    r"|archivad\w+|purgad\w+|posici(?:ón|ones)|posizion\w+|rimoss\w+|removid\w+|excluíd\w+|слот\w*|журнал\w*|архив\w*"
    r"|удал[её]н\w*"
    r")(?![^\W_])"
    r"|スロット|ログ|アーカイブ|ジャーナル|チェックポイント|位置|削除|無効|日志|归档|複製|复制槽|檢查點|检查点|删除|失效|로그|슬롯|아카이브|삭제",
    re.IGNORECASE,
)
"""Speaks of a source's log, of a position in it or of what becomes of them."""
ABOUT_DATA = re.compile(
    r"\bduplicate (?:key|entry)|\b(?:unique|primary key|foreign key|check|integrity|not[- ]null) constraint"
    r"|\bviolat(?:es|ed|ion of)\b|\b(?:would be|was|were) truncated|\bvalue too large|\btoo long for\b"
    r"|\bout of range\b|\b(?:cannot|must not) be null\b|\bcannot insert\b|\binvalid input (?:syntax|value)"
    r"|\bconversion failed\b|\bvalue\b.{0,60}\bis not recognized|\bincorrect \w+ value\b|\barithmetic overflow\b",
    re.IGNORECASE,
)
"""The engine is talking about a row: whatever else is in the message may be the row."""
OF_DATA = (
    *("duplicate ", " constraint", "violat", " truncated", "value too large", "too long for", "out of range"),
    *("be null", "cannot insert", "invalid input ", "conversion failed", "is not recognized", "incorrect "),
    "arithmetic overflow",
)
"""Texts of which ABOUT_DATA has one wherever it is found: to look for a text is much faster than for an expression."""
OF_ACCESS = re.compile(
    r"\b(?:ssl|tls|certificat\w*|zertifikat\w*|log[io]n\w*|logon|anmeld\w*|angemeldet|inicio|pass\w{0,3}wor[dt]\w*"
    r"|kennwort\w*|contraseñ\w*|senha|mot|hasł\w*|парол\w*|credential\w*|denied|refus[ée]\w*|verweiger\w*|permission\w*"
    r"|privileg\w*|authori[sz]\w*|authent\w*|autoris\w*|autentic\w*|berechtig\w*|grant\w*|licen[sc]\w*|lizenz\w*|quota"
    r"|expired|abgelaufen|disabled|not (?:allowed|permitted|supported)|forbidden|blocked|reject\w*|invalid\w*"
    r"|ungültig\w*|corrupt\w*|space|full|voll|memory)\b"
    r"|パスワード|ログイン|証明書|権限|密码|登录|证书|权限|암호|로그인|인증서|권한",
    re.IGNORECASE,
)
"""Speaks of what no resume mends."""
