<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa" xml:lang="en-GB">
  <lexeme><grapheme>Beauchamp</grapheme><grapheme>Beauchamps</grapheme><alias prefer="true">Beecham</alias></lexeme>
  <lexeme><grapheme>Zo&#xEB;</grapheme><phoneme>zoi</phoneme></lexeme>
</lexicon>
